"""One colour a system, apart from the page and from each other, for every kind of eye."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.colours import DARK, DARK_PAGE, FIRST, LIGHT, LIGHT_PAGE, USUAL, appearances

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
TO_LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_OKLAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    dark, light = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b))
    return (light + 0.05) / (dark + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    return np.array(TO_OKLAB) @ np.cbrt(np.array(TO_LMS) @ np.clip(rgb, 0, 1))


@pytest.mark.parametrize(("colours", "page"), [(LIGHT, LIGHT_PAGE), (DARK, DARK_PAGE)])
def test_every_colour_stands_out_from_the_page(colours: tuple[str, ...], page: str) -> None:
    assert min(contrast(colour, page) for colour in colours) >= 3


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize("sight", SIGHT)
def test_every_two_of_the_first_colours_stay_apart(colours: tuple[str, ...], sight: str) -> None:
    seen = [oklab(np.array(SIGHT[sight]) @ linear(colour)) for colour in colours[:FIRST]]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.1  # five just noticeable differences


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize(("sight", "apart"), [("normal", 0.07), ("deuteranopia", 0.04), ("protanopia", 0.04)])
def test_the_others_stay_apart_for_ordinary_sight_and_nearly_for_every(
    colours: tuple[str, ...], sight: str, apart: float
) -> None:
    seen = [oklab(np.array(SIGHT[sight]) @ linear(colour)) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > apart


@given(st.lists(st.text(min_size=1), unique=True, max_size=len(LIGHT)))
def test_systems_share_no_colour(systems: list[str]) -> None:
    assert len({look.slot for look in appearances(systems).values()}) == len(systems)


names = st.lists(
    st.sampled_from([*USUAL, "window", "mine", "yours", "overlap"]) | st.text(min_size=1), unique=True, max_size=20
)


@given(names)
def test_no_two_systems_look_the_same(systems: list[str]) -> None:
    looks = appearances(systems)
    assert list(dict.fromkeys(systems)) == list(looks) or set(systems) == set(looks)
    assert len(set(looks.values())) == len(systems)


@given(names)
def test_a_known_system_always_has_its_colour(systems: list[str]) -> None:
    looks = appearances(systems)
    assert all(looks[name].slot == USUAL[name] for name in systems if name in USUAL)
