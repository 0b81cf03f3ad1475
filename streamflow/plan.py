"""A strategy as data: which weights, under which attention pattern, over which frames, and what the past is to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .attention import AttentionPattern
from .crossfade import FADES
from .errors import StrategyError
from .flow import Schedule
from .mel import FRAMES_PER_TOKEN

LONGEST_FADE = 0.2  # of a hop
PASTS = ("window", "frozen", "inpainted", "clean")


@dataclass(frozen=True)
class Plan:
    """What a strategy does.

    Attributes:
        weights: the pattern whose weights are used.
        pattern: the attention pattern under which they are used.
        grid: frames; windows and emissions begin at multiples of it.
        hop: blocks of ``grid`` frames emitted at once; ``None`` is the whole utterance.
        back, ahead: blocks of ``grid`` frames of context in the window; ``None`` is all there is.
        past: how the past enters. ``window``: decoded again with each window, from its noise. ``frozen``: by the keys and
            values of each evaluation and layer, kept from when it was current. ``inpainted``: in the window, but in every
            evaluation put where the emitted mel says that the flow is. ``clean``: by one set of keys and values a layer,
            of the finished mel.
        token_ahead: tokens after its own that a frame's condition hears.
        fresh_noise: draw the noise anew for each emission, a defect of naive streaming kept for comparison.
        crossfade: share of a hop, 0 to 0.2, by which windows without context overlap and are faded into one another.
        overlap: tokens decoded after each emission, discarded but for a fade, and decoded again with the next.
        fade: frames over which an emission fades into what the one before made of them; at most the overlap is used.
        fade_window: ``hamming`` as CosyVoice 1 has it, or ``hann``.
        frames_per_token: of the weights: what overlap and look-ahead over tokens are in frames.
    """

    weights: str
    pattern: AttentionPattern
    grid: int
    hop: int | None = 1
    back: int | None = 0
    ahead: int | None = 0
    past: str = "window"
    token_ahead: int = 0
    fresh_noise: bool = False
    crossfade: float = 0.0
    overlap: int = 0
    fade: int = 0
    fade_window: str = "hann"
    schedule: Schedule = field(default_factory=Schedule)
    frames_per_token: int = FRAMES_PER_TOKEN

    def __post_init__(self):
        for name, value, least in (
            ("block", self.grid, 1),
            ("hop", self.hop, 1),
            ("back", self.back, 0),
            ("ahead", self.ahead, 0),
            ("overlap", self.overlap, 0),
            ("fade", self.fade, 0),
            ("frames_per_token", self.frames_per_token, 1),
        ):
            if value is not None and (not isinstance(value, int) or value < least):
                raise StrategyError(f"{name}={value!r} must be a whole number of at least {least}")
        if self.past not in PASTS:
            raise StrategyError(f"unknown past {self.past}; choose one of {', '.join(PASTS)}")
        if self.past != "window" and (self.hop is None or self.ahead is None):
            raise StrategyError(f"past={self.past} needs emissions and a bounded look-ahead; give hop and ahead")
        if self.past == "clean" and (self.hop, self.ahead) != (1, 0):
            raise StrategyError("past=clean decodes one block at a time without look-ahead; set hop=1 and ahead=0")
        if not 0 <= self.crossfade <= LONGEST_FADE:
            raise StrategyError(f"crossfade={self.crossfade!r} must be a share of a hop from 0 to {LONGEST_FADE}")
        alone = (self.back, self.ahead, self.past) == (0, 0, "window")
        if self.crossfade and not (alone and not self.overlap):
            raise StrategyError("a window with context is not cross-faded; set crossfade=0")
        if self.overlap and not alone:
            raise StrategyError("a window with context is not overlapped; set overlap=0")
        if self.fade_window not in FADES:
            raise StrategyError(f"unknown fade_window {self.fade_window}; choose one of {', '.join(FADES)}")

    @property
    def cached(self) -> bool:
        """Keys and values of the past are kept instead of recomputed."""
        return self.past in ("frozen", "clean")

    @property
    def back_frames(self) -> int | None:
        """Frames of the past that each window decodes again; ``None`` is all of them."""
        if self.cached:
            return 0
        return None if self.back is None else self.back * self.grid

    @property
    def overlap_frames(self) -> int:
        """Frames decoded with an emission and again with the next."""
        return self.overlap * self.frames_per_token

    @property
    def ahead_frames(self) -> int | None:
        """Frames in the window after the emitted ones; ``None`` is all there is."""
        return None if self.ahead is None else self.ahead * self.grid + self.overlap_frames

    @property
    def lookahead_frames(self) -> int | None:
        """Frames after the emitted ones whose tokens must be there first; ``None`` is the whole utterance."""
        if self.hop is None or self.ahead_frames is None:
            return None
        return self.ahead_frames + self.token_ahead * self.frames_per_token

    @property
    def fade_frames(self) -> int:
        """Frames that two neighbouring emissions share, held back for their cross-fade."""
        return 0 if self.hop is None else round(self.crossfade * self.hop * self.grid)

    @property
    def hop_frames(self) -> int | None:
        """Frames emitted at once; ``None`` is the whole utterance."""
        return None if self.hop is None else self.hop * self.grid
