"""One colour and one marker a system, the same in every table, plot and player, and from one report to the next.

The eight colours are the hues of Okabe and Ito (2008), each in a variant for a light and one for a dark page. They were
chosen so that every one stands out from the page (contrast at least 3:1, WCAG 2.2, 1.4.11) and every two stay apart
under simulated deuteranopia and protanopia (Machado et al. 2009); tests/reports/test_colours.py holds both.
Twenty-four more follow for larger comparisons, each the farthest from those before it; they stand out as well and stay
apart for ordinary sight, though not always for every eye. The marker tells systems apart where colour does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LIGHT_PAGE, DARK_PAGE = "#FFFFFF", "#15181B"
FIRST = 8  # colours that every eye tells apart
LIGHT = (
    "#0D5CBC", "#E0720C", "#309F84", "#902477", "#198DFF", "#94590A", "#1B1F23", "#612F00",
    "#6000FC", "#0000C0", "#0C4848", "#C060CC", "#007854", "#906090", "#E40C48", "#540090",
    "#FC18FC", "#840C3C", "#FC5478", "#6C489C", "#3C84B4", "#3030D8", "#843C24", "#B4486C",
    "#6C60D8", "#6C0C6C", "#849C48", "#243CA8", "#CC3CA8", "#245478", "#A8846C", "#548448",
)  # fmt: skip
DARK = (
    "#2187FF", "#CE5400", "#50B18C", "#BF49B3", "#8CC4FE", "#E7BA2D", "#F2F4F6", "#FFFF3C",
    "#00F0A8", "#00786C", "#4848FC", "#D80060", "#FC7860", "#B490E4", "#F09CC0", "#9CE4E4",
    "#B4F06C", "#903CCC", "#9C9C00", "#FC60C0", "#846CD8", "#E4FCB4", "#90CC84", "#CC0C0C",
    "#486C90", "#B4786C", "#846048", "#18B454", "#D848FC", "#FCD80C", "#48CCD8", "#847890",
)  # fmt: skip
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "triangle-down", "pentagon", "hexagon", "star")

USUAL = {
    "full": 0,
    "naive": 1,
    "streamflow-sr": 2,
    "streamflow-lr": 3,
    "cosyvoice": 4,
    "causal": 5,
    "copy-synthesis": 6,
    "tokenizer": 7,
    "full+": 8,
    "window": 9,
    "overlap": 10,
    "block": 11,
    "streamflow-lr2": 12,
    "streamflow-q0": 13,
    "clean-prefix": 14,
}
"""The slots that the strategies known today like to have; any other system takes the first free one."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How a system looks: ``slot`` picks the colour (the token ``--system-SLOT``), ``symbol`` the marker."""

    slot: int
    symbol: str


def appearances(systems: Iterable[str]) -> dict[str, Appearance]:
    """The appearance of each system, the usual colour first wherever it is free.

    No two of up to 32 systems share a colour, no two of up to 256 colour and marker.
    """
    systems = list(dict.fromkeys(systems))
    slots = {name: USUAL[name] for name in systems if name in USUAL}
    free = [slot for slot in range(len(LIGHT)) if slot not in slots.values()]
    chosen: dict[str, Appearance] = {}
    extra = 0
    for name in systems:
        if name in slots:
            chosen[name] = Appearance(slots[name], SYMBOLS[slots[name] % len(SYMBOLS)])
        elif free:
            slot = free.pop(0)
            chosen[name] = Appearance(slot, SYMBOLS[slot % len(SYMBOLS)])
        else:
            slot, lap = extra % len(LIGHT), 1 + extra // len(LIGHT)
            chosen[name] = Appearance(slot, SYMBOLS[(slot + lap) % len(SYMBOLS)])
            extra += 1
    return chosen
