"""Pictures show what the samples hold, at the place where they hold it."""

from __future__ import annotations

import base64
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reports.media import COLUMNS, Scale, contour_path, f0_span, view_of
from reports.png import encode_png
from reports.spectrogram import LEVELS, magma, power_db, spectrogram_png, spectrogram_uri
from reports.waveform import HEIGHT, WIDTH, seams_path, waveform_path

RATE = 16_000


def decode_png(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Indices and palette of a PNG as ours are: an independent reader, checking every checksum."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        at += 12 + length
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 3, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


@given(
    arrays.arrays(
        np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, LEVELS - 1)
    )
)
def test_a_png_holds_its_indices(indices: np.ndarray) -> None:
    found, palette = decode_png(encode_png(indices, magma()))
    np.testing.assert_array_equal(found, indices)
    np.testing.assert_array_equal(palette, magma())


def test_an_index_without_a_colour_is_refused() -> None:
    with pytest.raises(ValueError, match="palette"):
        encode_png(np.full((2, 2), LEVELS), magma())


@pytest.mark.parametrize("hertz", [200, 1000, 5000])
@pytest.mark.parametrize("seconds", [0.5, 30])
def test_a_tone_is_at_its_frequency(hertz: float, seconds: float) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)
    levels = power_db(tone, RATE)
    assert np.argmax(levels.mean(axis=1)) * RATE / 2 / (len(levels) - 1) == pytest.approx(hertz, abs=25)


@given(st.floats(0.1, 0.9))
def test_a_click_is_at_its_time(place: float) -> None:
    samples = np.zeros(2 * RATE, np.float32)
    samples[int(place * len(samples))] = 1
    levels = power_db(samples, RATE).mean(axis=0)
    assert (np.argmax(levels) + 0.5) / len(levels) == pytest.approx(place, abs=0.006)


def test_low_frequencies_are_at_the_bottom() -> None:
    tone = np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE).astype(np.float32)
    uri = spectrogram_uri(tone, RATE)
    indices, _ = decode_png(base64.b64decode(uri.partition(",")[2]))
    assert np.argmax(indices.mean(axis=1)) > 0.9 * len(indices)


def strokes(path: str) -> list[tuple[float, float, float]]:
    """(x, top, length) of every upright stroke of a path of M, m and v."""
    found, x, y = [], 0.0, 0.0
    for command, numbers in re.findall(r"([Mmv])([^Mmv]*)", path):
        values = [float(value) for value in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        if command == "v":
            found.append((x, y, values[0]))
            y += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return found


def test_a_waveform_is_tall_where_the_signal_is_loud() -> None:
    samples = np.concatenate([np.zeros(RATE), np.full(RATE, 0.5)]).astype(np.float32)
    found = strokes(waveform_path(samples, 0.5))
    assert [x for x, _, _ in found] == [place + 0.5 for place in range(WIDTH)]
    assert all(top + length / 2 == HEIGHT / 2 for _, top, length in found)
    assert max(length for x, _, length in found if x < WIDTH / 2 - 1) <= 2
    assert min(length for x, _, length in found if x > WIDTH / 2) >= HEIGHT - 4


@given(st.integers(20, 300), st.integers(8, 200), st.sampled_from([4, 16, 32]))
def test_a_small_spectrogram_is_as_small_as_asked(frames: int, rows: int, colours: int) -> None:
    noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    indices, palette = decode_png(spectrogram_png(noise, RATE, most_frames=frames, most_rows=rows, colours=colours))
    assert indices.shape == (min(rows, 161), min(frames, 200)) and len(palette) == colours
    assert indices.max() < colours


def test_pooling_keeps_the_power_of_a_steady_sound() -> None:
    noise = np.random.default_rng(0).normal(size=4 * RATE).astype(np.float32)
    small, _ = decode_png(spectrogram_png(noise, RATE, 40.0, most_frames=20, most_rows=8, colours=256))
    large, _ = decode_png(spectrogram_png(noise, RATE, 40.0, most_frames=800, most_rows=161, colours=256))
    power = 10 ** (np.array([small.mean(), large.mean()]) / 255 * 7)
    assert small.std() < 0.2 * large.std() and power[0] > power[1]  # a mean of powers lies above one of decibels


def test_seams_are_drawn_where_they_are_and_only_inside() -> None:
    places = re.findall(r"M([\d.]+) 0V", seams_path([0, 4000, 8000, 16_000], 16_000))
    assert [float(place) for place in places] == [WIDTH / 4, WIDTH / 2]


@pytest.mark.parametrize("hertz", [110, 220])
def test_a_view_knows_the_pitch_of_its_voice(hertz: int) -> None:
    at = np.arange(2 * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * hertz * k * at) / k for k in range(1, 15)).astype(np.float32) / 4
    view = view_of(voice, Scale())
    assert len(view.hertz) == COLUMNS and view.duration_s == 2
    assert np.median([value for value in view.hertz if value]) == pytest.approx(hertz, rel=0.02)
    assert len(view.picture) < 20_000


def test_a_contour_rises_by_the_octave_and_stops_where_the_voice_does() -> None:
    path = contour_path([100, 100, 0, 0, 200, 400], (100, 400), 60, 40)
    assert path == "M5 40l10 0M45 20l10-20"


def test_nothing_voiced_is_no_contour() -> None:
    assert contour_path([0] * 10, f0_span([0] * 10), 60, 40) == ""


@given(st.lists(st.integers(60, 600), min_size=1))
def test_the_span_holds_most_of_a_contour(hertz: list[int]) -> None:
    low, high = f0_span(hertz)
    assert low < np.median(hertz) < high
