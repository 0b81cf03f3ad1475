"""How far a vocoder sees: its context in frames, measured on the network itself."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from .streaming import Vocoder

LONGEST = 4096  # frames; a vocoder that sees further than half of this is taken to have no finite context


def measure_context(
    vocoder: Vocoder, tolerance: float = 0.0, *, mel: Tensor | None = None, bands: int = 80
) -> tuple[int, int]:
    """Frames before and after frame i that its samples depend on.

    With no tolerance the answer is exact: the frames with a gradient other than zero, in float64, for a frame in the
    middle and for the first and the last, where padding may reflect the signal; noise with the mean and spread of
    log-mel speech is the input, twice, lest one hit a saturated sample. With a tolerance it is what streaming
    would notice: the mel is cut at several places, as a window would cut it, and the answer is the distance from the
    cut beyond which no sample changes by more than the tolerance.

    Args:
        vocoder: the vocoder to measure; a copy in float64 is measured when it is a module.
        tolerance: largest change allowed, relative to the peak of the offline wave.
        mel: ``[T, bands]`` log-mel to cut when ``tolerance`` is positive; by default noise with the mean and spread of
            speech. What a network lets through depends on its input, so give speech to choose a context by.
        bands: mel bands, when ``mel`` is not given.

    Returns:
        (past frames, future frames).

    Raises:
        ValueError: if no finite context is found, if no gradient comes through, or if ``mel`` is too short to be cut.
    """
    if isinstance(vocoder, nn.Module):
        vocoder = copy.deepcopy(vocoder).double().eval()
    bands = bands if mel is None else mel.shape[1]
    frames = 16
    while True:
        exact = _support(vocoder, [_speech_like(frames, bands, seed) for seed in (0, 1)])
        if exact is not None:
            break
        frames *= 2
        if frames > LONGEST:
            raise ValueError(f"the vocoder sees over {LONGEST // 2} frames: it has no finite context to stream with")
    if tolerance == 0.0:
        return exact
    reach = sum(exact) + 1
    if mel is None:
        mel = _speech_like(2 * reach + 8, bands, seed=0)
    if len(mel) <= reach + 8:
        raise ValueError(f"mel of {len(mel)} frames is too short to measure on: give more than {reach + 8}")
    return _cut_reach(vocoder, mel.double(), tolerance, *exact)


def _speech_like(frames: int, bands: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(frames, bands, dtype=torch.float64, generator=generator) * 2.0 - 5.0


def _support(vocoder: Vocoder, mels: list[Tensor]) -> tuple[int, int] | None:
    """Context by gradient; None when it does not fit into the mels, which are of one length."""
    middle, last = len(mels[0]) // 2, len(mels[0]) - 1
    past = future = 0
    for frame in (middle, 0, last):
        seen = torch.cat([_frames_seen(vocoder, mel, frame) for mel in mels])
        if len(seen) == 0:
            raise ValueError("no gradient comes through the vocoder: its output is saturated, constant or detached")
        if frame == middle and (seen.min() == 0 or seen.max() == last):
            return None
        past, future = max(past, frame - int(seen.min())), max(future, int(seen.max()) - frame)
    return past, future


def _frames_seen(vocoder: Vocoder, mel: Tensor, frame: int) -> Tensor:
    """Indices of the frames with a gradient into the samples of one frame."""
    mel = mel.clone().requires_grad_()
    with torch.enable_grad():
        samples = vocoder(mel[None])[0, frame * vocoder.hop : (frame + 1) * vocoder.hop]
        if not samples.requires_grad:
            return torch.zeros(0, dtype=torch.int64)
        # random weights, since a plain sum would let the samples' gradients cancel
        weights = torch.randn(len(samples), generator=torch.Generator().manual_seed(0)).to(samples)
        (gradient,) = torch.autograd.grad((samples * weights).sum(), mel)
    return gradient.abs().amax(dim=1).nonzero()[:, 0]


@torch.no_grad()
def _cut_reach(vocoder: Vocoder, mel: Tensor, tolerance: float, past: int, future: int) -> tuple[int, int]:
    """Context by cutting the mel at eight places on either side of the frames compared."""
    wave = vocoder(mel[None])[0]
    offline = wave.reshape(len(mel), vocoder.hop)
    allowed = tolerance * float(wave.abs().max())

    def spoilt(window: slice) -> Tensor:
        cut = vocoder(mel[None, window])[0].reshape(-1, vocoder.hop)
        return ((cut - offline[window]).abs().amax(dim=1) > allowed).nonzero()[:, 0]

    needed_past = needed_future = 0
    for cut in range(1, 9):
        after = spoilt(slice(cut, None))
        needed_past = max([needed_past, *(int(i) + 1 for i in after)])
        before = spoilt(slice(None, len(mel) - cut))
        needed_future = max([needed_future, *(len(mel) - cut - int(i) for i in before)])
    return min(needed_past, past), min(needed_future, future)
