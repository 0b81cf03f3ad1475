"""speechmos' models, loaded once a process on one thread: processes are what runs in parallel here."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from harness.metrics.base import Pair, Unscored

PACKAGES = ("speechmos",)  # carries the models
BESIDE = "onnxruntime, librosa, requests"  # what speechmos imports and does not declare
SHORTEST_S = 1.0  # DNSMOS repeats a clip until it fills 9 s, PLCMOS rates what there is: neither is meant for less


def beyond_full_scale(pair: Pair) -> Unscored | None:
    """Why the package would refuse the rendering, or None: it takes -1 to 1 only."""
    peak = float(np.abs(pair.whole_degraded).max())
    if peak <= 1:
        return None
    return Unscored(f"the rendering peaks at {peak:.3f}, and speechmos takes nothing beyond full scale (1.0)")


def session(path: Path) -> Any:
    """An ONNX session on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@functools.cache
def dnsmos_model() -> Any:
    """The package's DNSMOS P.835 (not the personalised one) with P.808 beside it."""
    try:
        from speechmos import dnsmos
    except ImportError as error:
        raise ImportError(f"{error} (speechmos needs {BESIDE} beside it)") from None

    folder = Path(dnsmos.__file__).with_name("dnsmos_models")

    class SingleThreaded(dnsmos.DNSMOS):
        def __init__(self) -> None:  # the package's own opens a session for every core
            self.onnx_sess = session(folder / "sig_bak_ovr.onnx")
            self.p808_onnx_sess = session(folder / "model_v8.onnx")

    return SingleThreaded()


@functools.cache
def plcmos_model() -> Any:
    """The package's PLCMOS v2: 15 raters."""
    try:
        from speechmos import plcmos
    except ImportError as error:
        raise ImportError(f"{error} (speechmos needs {BESIDE} beside it)") from None

    class SingleThreaded(plcmos.PLCMOS):
        def __init__(self) -> None:
            self.model_name, self.max_lens, self.embed_rounds = "plcmos_v2", 10**12, 15
            self.session = session(Path(plcmos.__file__).with_name("plcmos_models") / "plcmos_v2.onnx")

    return SingleThreaded()
