"""UTMOS, or another predictor of opinion scores, by a TorchScript file that the user names."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from harness.metrics.base import SAMPLE_RATE, Metric, Pair, Unscored
from streamflow.errors import StreamflowError


class PredictorUnavailable(StreamflowError):
    """A file that is not there or does not work as a predictor."""


def make(model: str = "") -> Metric:
    """UTMOS by a TorchScript module.

    Args:
        model: path of a file for ``torch.jit.load`` whose module takes float32 ``[1, n]`` at 16 kHz, and the sample
            rate where it has a second argument, and gives one number; "" for none, which leaves everything unscored.
    """
    return Metric(
        name="utmos",
        unit="MOS",
        direction="higher",
        source="Saeki et al., UTMOS, Interspeech 2022",
        function=functools.partial(utmos, model=model),
        parameters="16kHz,one-clip-at-a-time",  # padding within a batch changes scores
        packages=("torch",) if model else (),
        minimum_s=0.25,
        needs=frozenset(),
        fingerprint=functools.partial(fingerprint, model),
    )


def utmos(pair: Pair, model: str = "") -> float | Unscored:
    """Opinion score, 1 to 5, of the rendering as it is. A diagnostic and never a verdict."""
    if not model:
        return Unscored(
            "utmos needs its weights; name a TorchScript file: --metric-option utmos.model=PATH", lasting=False
        )
    import torch

    try:
        predictor, takes_rate = _predictor(model)
        with torch.inference_mode():
            samples = torch.from_numpy(pair.whole_degraded.copy())[None]
            answer = predictor(samples, SAMPLE_RATE) if takes_rate else predictor(samples)
            return float(answer)
    except PredictorUnavailable as error:
        return Unscored(str(error), lasting=False)
    except (RuntimeError, TypeError, ValueError) as error:
        return Unscored(f"{model} does not work as a predictor of opinion scores: {_last_line(error)}")


@functools.cache
def _predictor(model: str) -> tuple[Any, bool]:
    """The module and whether it takes the sample rate."""
    import torch

    path = Path(model).expanduser()
    if not path.is_file():
        raise PredictorUnavailable(f"{model}: no such file; name the TorchScript file of a predictor")
    try:
        predictor = torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise PredictorUnavailable(f"{model}: not a TorchScript file ({_last_line(error)})") from None
    required = [argument for argument in predictor.forward.schema.arguments[2:] if not argument.has_default_value()]
    return predictor, bool(required)


@functools.cache
def fingerprint(model: str) -> str:
    """The first 12 digits of the file's SHA-256."""
    path = Path(model).expanduser()
    if not model or not path.is_file():
        return f"{path.name}-unavailable" if model else "no-model"
    with path.open("rb") as file:
        return f"weights-{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"


def _last_line(error: Exception) -> str:
    """TorchScript's messages begin with a trace and end with the reason."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]


METRIC = make()
