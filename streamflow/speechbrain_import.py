"""The door to speechbrain's ECAPA-TDNN, beside a torch of any build.

speechbrain imports torchaudio, and torchaudio's wheel on the package index (2.11.0, the newest) holds a binary
extension that is linked against CUDA's libraries. Beside a CPU-only torch these are absent, so `import torchaudio` ends
in an OSError (not an ImportError: guards written for that do not see it), and `import speechbrain` with it, although
the extension holds only the RNN-T loss, forced alignment and the loops of two filters, which nothing here needs.

torchaudio itself knows how to live without its extension: where the library's file is absent, as in a build without
it, `torchaudio._extension.utils._load_lib` returns False; torchaudio then sets `_IS_TORCHAUDIO_EXT_AVAILABLE` to False,
filters in Python and raises its own explanation when alignment is asked for. Only a file that is there and does not
load is an error to it. So this module imports torchaudio as usual. Only if that fails because the extension did not
load, it imports torchaudio once more with `_load_lib` answering False for what does not load, and then puts the
function back. What everybody in the process then sees is the real torchaudio, from its own files, in the state of a
build without extension.

What was weighed against it: deleting the library (site-packages are not ours, and the next installation brings it
back); a false `torchaudio` in sys.modules (every other user of torchaudio in the process would get it); a copy of the
module (then it is not speechbrain's any more, and must be kept in step).

Importing speechbrain also changes the process, and none of that is wanted from one class: see `_without_side_effects`.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from .errors import StreamflowError

if TYPE_CHECKING:
    from types import ModuleType

    from torch import nn

_LOADER_MODULE = "torchaudio._extension.utils"
_QUIRKS_SWITCH = "SB_DISABLE_QUIRKS"  # speechbrain's own environment variable, read once on import
_QUIRKS = "disable_jit_profiling,allow_tf32,disable_cudnn_benchmarking"
_log = logging.getLogger(__name__)


@cache
def load_ecapa() -> type[nn.Module]:
    """speechbrain's class `ECAPA_TDNN` (Desplanques et al., Interspeech 2020).

    The first call takes about a second, later ones nothing.

    Returns:
        The class; an instance takes features float32 ``[B, T, n_features]`` (and relative lengths ``[B]``) to
        embeddings ``[B, 1, lin_neurons]``.

    Raises:
        StreamflowError: speechbrain or torchaudio is not installed, or torchaudio neither loads its extension nor is of
            a layout in which it can be imported without.
    """
    return _module("speechbrain.lobes.models.ECAPA_TDNN").ECAPA_TDNN


@cache
def load_fbank() -> type[nn.Module]:
    """speechbrain's class `Fbank`, log-mel in dB: audio float32 ``[B, n]`` to ``[B, n // 160 + 1, n_mels]``.

    Raises:
        StreamflowError: as :func:`load_ecapa`.
    """
    return _module("speechbrain.lobes.features").Fbank


def _module(name: str) -> ModuleType:
    import_torchaudio()
    try:
        with _without_side_effects():
            return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise StreamflowError(
            f"speechbrain {_version('speechbrain')} cannot be imported ({_one_line(error)}): "
            "install the versions of requirements.lock"
        ) from error


def import_torchaudio() -> ModuleType:
    """torchaudio, without its binary extension where that does not load; see this module's docstring.

    Raises:
        StreamflowError: torchaudio is not installed, does not fit torch, or is of an unknown layout.
    """
    try:
        return importlib.import_module("torchaudio")
    except OSError as error:
        failure = error
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another CUDA than torch
        raise _cannot_import(error) from error
    try:
        with _unloadable_extension_is_absent():
            torchaudio = importlib.import_module("torchaudio")
    except Exception as error:
        raise _cannot_import(failure) from error
    _log.debug("torchaudio %s goes without its binary extension: %s", _version("torchaudio"), _one_line(failure))
    return torchaudio


@contextmanager
def _unloadable_extension_is_absent() -> Iterator[None]:
    """While active, torchaudio takes an extension that does not load for one that is not there.

    To be entered right after `import torchaudio` failed: the function that loads the extension is then in sys.modules
    already, although the packages above it were dropped.

    Raises:
        LookupError: the failed import left no such function, so this torchaudio is laid out in an unknown way.
    """
    left_over = {name: module for name, module in sys.modules.items() if name.startswith("torchaudio.")}
    loader = left_over.get(_LOADER_MODULE)
    load_library = getattr(loader, "_load_lib", None)
    if load_library is None:
        raise LookupError(f"no function _load_lib in {_LOADER_MODULE}")

    def load_library_or_absent(name: str) -> bool:
        try:
            return load_library(name)
        except OSError:
            return False

    loader._load_lib = load_library_or_absent
    try:
        yield
    finally:
        loader._load_lib = load_library
        extension = sys.modules.get("torchaudio._extension")
        if extension is not None:
            extension._load_lib = load_library  # it took the function over by its name
        # the import system makes a submodule an attribute of its package only when it loads it, not when it finds it
        for name, module in left_over.items():
            package, _, attribute = name.rpartition(".")
            if package in sys.modules:
                setattr(sys.modules[package], attribute, module)


@contextmanager
def _without_side_effects() -> Iterator[None]:
    """Undoes what the first import of speechbrain does to the process beyond importing.

    - It switches torch's JIT profiling off and TF32 on, for everybody ("quirks"): results of other models on a GPU
      would depend on whether a speaker was embedded before. Its own environment variable keeps it from that.
    - It puts stand-ins into sys.modules for modules that it moved or that need packages we have not (k2, spacy,
      flair). They raise ImportError whatever attribute they are asked for, so that anything that walks over sys.modules
      falls: pickling a NumPy ufunc, every hypothesis test. They are taken out again; only the deprecated names go with
      them, such as `speechbrain.pretrained`, which has been `speechbrain.inference` since speechbrain 1.0.

    Where the process imported speechbrain before, its state is the process's own choice and is left alone.
    """
    if "speechbrain" in sys.modules:
        yield
        return
    logging.getLogger("speechbrain.utils.quirks").setLevel(logging.WARNING)
    switch = os.environ.get(_QUIRKS_SWITCH)
    os.environ[_QUIRKS_SWITCH] = _QUIRKS if switch is None else switch
    try:
        yield
    finally:
        if switch is None:
            del os.environ[_QUIRKS_SWITCH]
        lazy_module = getattr(sys.modules.get("speechbrain.utils.importutils"), "LazyModule", ())
        for name, module in list(sys.modules.items()):
            if name.startswith("speechbrain.") and isinstance(module, lazy_module):
                del sys.modules[name]


def _cannot_import(error: BaseException) -> StreamflowError:
    if isinstance(error, ModuleNotFoundError) and error.name == "torchaudio":
        return StreamflowError("torchaudio is not installed, and speechbrain needs it: pip install torchaudio==2.11.0")
    pair = f"torchaudio {_version('torchaudio')} cannot be imported beside torch {_version('torch')}"
    return StreamflowError(
        f"{pair} ({_one_line(error)}): install the versions of requirements.lock, or a torchaudio built for this torch"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
