"""Arithmetic of the decoder, counted and not timed: FLOPs, bytes, and the frames that each evaluation goes over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from streamflow.attention import AttentionPattern
from streamflow.dit import DiTConfig
from streamflow.mel import BANDS


def evaluation_flops(
    config: DiTConfig,
    frames: int,
    keys: int | Sequence[int] | None = None,
    rows: int = 1,
    given: Sequence[int] | None = None,
) -> int:
    """Multiplications and additions of one network evaluation, those of its matrix products.

    Norms, gates and rotations are left out: they are a few hundredths of it. The modulations are too, as they are
    computed once for a grid of times.

    Args:
        config: the sizes.
        frames: that enter the network.
        keys: frames attended to, as many as are multiplied, masked or not, in every layer or one number a layer; None
            for the window's own.
        rows: of the batch; two with guidance.
        given: frames that each layer gives to the next; None for all in all.
    """
    width, keys = config.width, frames if keys is None else keys
    keys = [keys] * config.layers if isinstance(keys, int) else keys
    given = [frames] * config.layers if given is None else given
    inputs = BANDS + config.speaker + config.token_width
    total = frames * width * inputs + given[-1] * width * BANDS
    for entering, leaving, attended in zip([frames, *given], given, keys, strict=False):
        total += entering * 3 * width * width + leaving * (1 + 2 * config.ff_mult) * width * width
        total += leaving * 2 * width * attended
    return 2 * rows * total


def evaluation_bytes(config: DiTConfig, frames: int, keys: int | None = None, rows: int = 1, element: int = 4) -> int:
    """Bytes that one evaluation cannot avoid moving: each weight once, each layer's input, output, keys and values once.

    What lies in between (queries, the MLP's inside) may stay in caches, so this is a floor and no estimate.
    """
    width, keys = config.width, frames if keys is None else keys
    inputs = BANDS + config.speaker + config.token_width
    weights = width * (inputs + BANDS) + config.layers * width * width * (4 + 2 * config.ff_mult)
    activations = rows * config.layers * width * (2 * frames + 2 * keys)
    return element * (weights + activations)


@dataclass
class Counted:
    """What network evaluations went over since the count began.

    Attributes:
        evaluations: calls of the network.
        frames: rows of the batch times frames that enter the network, summed.
        flops: of their matrix products.
    """

    evaluations: int = 0
    frames: int = 0
    flops: int = 0


@contextlib.contextmanager
def counting(dit: nn.Module) -> Iterator[Counted]:
    """Count the evaluations of a DiT meanwhile, whoever asks for them."""
    counted = Counted()

    def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
        names = ("x", "condition", "modulations", "masks", "start", "caches", "cuts")
        call = dict(zip(names, args, strict=False)) | kwargs
        rows, frames = call["x"].shape[:2]
        layers = module.config.layers
        given, keys, entering = [], [], frames
        for cut, cache in zip(call.get("cuts") or [None] * layers, call.get("caches") or [None] * layers, strict=True):
            keys.append(entering + (0 if cache is None else cache.length))
            entering = entering if cut is None else cut.stop - cut.start
            given.append(entering)
        counted.evaluations += 1
        counted.frames += rows * frames
        counted.flops += evaluation_flops(module.config, frames, keys, rows, given)

    hook = dit.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield counted
    finally:
        hook.remove()


def expected_cached_ratio(pattern: AttentionPattern, hop: int = 1) -> float | None:
    """How many times the work of cached inference recomputing the window is, from block counts: (p + h + q) / (h + q).

    Returns:
        None for patterns without limits, whose ratio depends on the history: see :func:`expected_prefix_ratio`.
    """
    if pattern.back is None or pattern.ahead is None:
        return None
    return (pattern.back + hop + pattern.ahead) / (hop + pattern.ahead)


def expected_prefix_ratio(history_frames: int, hop_frames: int) -> float:
    """As :func:`expected_cached_ratio` where the whole prefix is recomputed: frames of it over frames of a hop."""
    return (history_frames + hop_frames) / hop_frames
