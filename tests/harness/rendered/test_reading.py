"""One policy for every format: checked against libsndfile, soxr and pyloudnorm called bare."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
import soxr

from harness.rendered.reading import read
from harness.storage import encode_flac
from streamflow.errors import AudioError

LOSSLESS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"), ("AIFF", "PCM_16"), ("AU", "FLOAT"), ("CAF", "ALAC_16"), ("W64", "PCM_16"), ("NIST", "PCM_16"),
    ("RF64", "PCM_24"),
]  # fmt: skip
LOSSY = [
    ("OGG", "VORBIS", 24_000, 0.98), ("OGG", "OPUS", 48_000, 0.98), ("MP3", "MPEG_LAYER_III", 44_100, 0.97),
    ("MP3", "MPEG_LAYER_III", 22_050, 0.97), ("WAV", "ULAW", 16_000, 0.99), ("WAV", "IMA_ADPCM", 16_000, 0.98),
    ("WAV", "PCM_U8", 16_000, 0.98),
]  # fmt: skip


@pytest.mark.parametrize(("container", "encoding"), LOSSLESS)
def test_lossless_formats_give_the_same_samples(
    tmp_path: Path, write: Callable[..., Path], speech: list[np.ndarray], container: str, encoding: str
) -> None:
    path = write(tmp_path / "x", format=container, subtype=encoding)
    reading = read(path)
    assert (reading.rate, reading.channels, reading.clipped) == (16_000, 1, 0)
    assert reading.kind.endswith(encoding)
    np.testing.assert_allclose(reading.samples, speech[0], atol=1.01 / 32768)


@pytest.mark.parametrize(("container", "encoding", "rate", "least"), LOSSY)
def test_lossy_formats_give_the_same_speech(
    tmp_path: Path,
    write: Callable[..., Path],
    speech: list[np.ndarray],
    container: str,
    encoding: str,
    rate: int,
    least: float,
) -> None:
    reading = read(write(tmp_path / "x", format=container, subtype=encoding, rate=rate))
    length = min(len(reading.samples), len(speech[0]))
    assert abs(len(reading.samples) - len(speech[0])) < 1600
    lags = range(-40, 41)
    best = max(_correlation(np.roll(reading.samples[:length], lag), speech[0][:length]) for lag in lags)
    assert best > least


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_are_averaged_and_the_rate_converted_as_soxr_does(tmp_path: Path, rate: int, channels: int) -> None:
    noise = np.random.default_rng(rate).normal(0, 0.05, (rate // 2, channels)).astype(np.float32)
    soundfile.write(tmp_path / "x.wav", noise, rate, subtype="FLOAT")
    expected = soxr.resample(noise.mean(axis=1), rate, 16_000, quality="VHQ")
    np.testing.assert_allclose(read(tmp_path / "x.wav").samples, expected, atol=1e-6)


def test_the_level_is_kept_or_brought_to_the_loudness_asked_for(tmp_path: Path, speech: list[np.ndarray]) -> None:
    soundfile.write(tmp_path / "quiet.wav", 0.05 * speech[0], 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "loud.wav", speech[0], 16_000, subtype="FLOAT")
    kept = [float(np.abs(read(tmp_path / f"{name}.wav").samples).max()) for name in ("quiet", "loud")]
    np.testing.assert_allclose(kept[1] / kept[0], 20, rtol=1e-4)
    for name in ("quiet", "loud"):
        samples = read(tmp_path / f"{name}.wav", -30.0).samples
        assert abs(pyloudnorm.Meter(16_000).integrated_loudness(samples.astype(np.float64)) + 30) < 0.1


def test_a_16_bit_file_at_16_khz_passes_bit_for_bit(tmp_path: Path) -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    soundfile.write(tmp_path / "x.wav", every, 16_000)
    (tmp_path / "x.flac").write_bytes(encode_flac(read(tmp_path / "x.wav").samples))
    assert np.array_equal(soundfile.read(tmp_path / "x.flac", dtype="int16")[0], every)


def test_clipping_is_counted_where_full_scale_is_passed(tmp_path: Path, speech: list[np.ndarray]) -> None:
    loud = 2 * speech[0]
    soundfile.write(tmp_path / "x.wav", loud, 16_000, subtype="FLOAT")
    assert read(tmp_path / "x.wav").clipped == int((np.abs(loud) > 1).sum()) > 0
    assert read(tmp_path / "x.wav", -30.0).clipped == 0


def test_a_file_goes_by_its_content_not_by_its_name(tmp_path: Path, write: Callable[..., Path]) -> None:
    assert read(write(tmp_path / "x.wav", format="FLAC")).kind == "FLAC/PCM_16"


def test_a_name_that_is_not_utf_8_can_be_read(tmp_path: Path, write: Callable[..., Path]) -> None:
    path = write(tmp_path / "x.wav")
    os.rename(path, os.path.join(os.fsencode(tmp_path), b"caf\xe9 [1].wav"))
    (found,) = tmp_path.iterdir()
    assert len(read(found).samples) > 16_000


def _float(path: Path, samples: np.ndarray) -> None:
    soundfile.write(path, samples.astype(np.float32), 16_000, format="WAV", subtype="FLOAT")


BAD = {
    "an empty file": lambda path, s: path.write_bytes(b""),
    "not readable as audio": lambda path, s: path.write_text("hello"),
    "silent": lambda path, s: _float(path, 0 * s),
    "cancel": lambda path, s: soundfile.write(path, np.stack([s, -s], 1), 16_000, format="WAV", subtype="FLOAT"),
    "NaN": lambda path, s: _float(path, np.where(np.arange(len(s)) == 70_000 % len(s), np.nan, s)),
    "infinite": lambda path, s: _float(path, np.where(np.arange(len(s)) == 9, np.inf, s)),
    "shorter than 100 ms": lambda path, s: _float(path, s[:800]),
    "0 ms": lambda path, s: _float(path, s[:0]),
    "longer than 300 s": lambda path, s: soundfile.write(path, np.ones(301 * 100, np.int16), 100, format="WAV"),
    "times full scale": lambda path, s: _float(path, 32768 * s),
}


@pytest.mark.parametrize("why", BAD)
def test_what_cannot_be_used_is_refused_in_one_line_with_its_name(
    tmp_path: Path, speech: list[np.ndarray], why: str
) -> None:
    path = tmp_path / "bad one.wav"
    BAD[why](path, speech[0])
    with pytest.raises(AudioError) as refused:
        read(path)
    message = str(refused.value)
    assert {"cancel": "silent"}.get(why, why) in message
    assert "bad one.wav" in message and "\n" not in message and ";" in message


@pytest.mark.parametrize(
    ("container", "encoding", "rate"),
    [("FLAC", "PCM_16", 16_000), ("MP3", "MPEG_LAYER_III", 24_000)],
)
def test_a_file_that_was_cut_off_is_refused(
    tmp_path: Path, write: Callable[..., Path], container: str, encoding: str, rate: int
) -> None:
    path = write(tmp_path / "x", format=container, subtype=encoding, rate=rate)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"cut off|not readable"):
        read(path)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"gone\.wav: cannot be opened"):
        read(tmp_path / "gone.wav")
