"""Uploads: what is speech is read whatever it is packed in, what is made to harm is refused in one line."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from harness.corpus import SHIPPED, load_corpus
from harness.live.errors import UnknownJobError, UploadError
from harness.live.limits import Limits
from harness.live.upload import decode_upload, limits_text, read_bounded
from harness.live.uploads import Uploads
from streamflow.audio import load_audio
from streamflow.errors import StreamflowError

LIMITS = Limits(niceness=0, upload_s=120)
SPEECH = load_corpus(SHIPPED).utterances[0].path


def packed(samples: np.ndarray, rate: int = 16_000, **options: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, **options)
    return buffer.getvalue()


def speech() -> np.ndarray:
    return soundfile.read(SPEECH, dtype="float32")[0]


@pytest.mark.parametrize(
    "options",
    [
        {"format": "WAV", "subtype": "PCM_16"},
        {"format": "WAV", "subtype": "FLOAT"},
        {"format": "FLAC"},
        {"format": "OGG", "subtype": "VORBIS"},
        {"format": "OGG", "subtype": "OPUS"},
        {"format": "MP3"},
    ],
    ids=str,
)
def test_speech_is_read_from_every_format_that_is_promised(options):
    samples = read_bounded(packed(speech(), **options), 0.5, 20)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(len(speech()), abs=4000)


def test_an_upload_is_levelled_and_converted_as_a_corpus_is():
    np.testing.assert_array_equal(decode_upload(SPEECH.read_bytes(), LIMITS), load_audio(SPEECH))


def test_other_rates_and_channels_become_mono_at_16_khz():
    samples = np.repeat(speech(), 3)
    made = read_bounded(packed(np.stack([samples, samples], axis=1), 48_000, format="WAV"), 0.5, 20)
    assert made.ndim == 1
    assert abs(len(made) - len(speech())) <= 1


def lying_wav(claimed: int) -> bytes:
    """A WAV whose data chunk says another length than it has."""
    true = bytearray(packed(speech(), format="WAV", subtype="PCM_16"))
    place = true.index(b"data") + 4
    true[place : place + 4] = struct.pack("<I", claimed)
    return bytes(true)


def lying_flac() -> bytes:
    """A FLAC whose head says 36 hours (2^36 - 1 samples, as far as the field goes)."""
    true = bytearray(packed(speech(), format="FLAC"))
    true[21] |= 0x0F
    true[22:26] = b"\xff" * 4
    return bytes(true)


def tone(seconds: float) -> np.ndarray:
    return np.float32(0.1 * np.sin(np.arange(int(16_000 * seconds)) * 0.2))


ATTACKS = {
    "empty": b"",
    "not audio": b"<html><script>alert(1)</script></html>" * 100,
    "random bytes": np.random.default_rng(0).bytes(5000),
    "a head alone": packed(speech(), format="WAV")[:44],
    "an hour of silence in a few kB": packed(np.zeros(16_000 * 600, np.float32), format="FLAC"),
    "too long": packed(tone(21), format="WAV"),
    "too short": packed(tone(0.3), format="WAV"),
    "silent": packed(np.zeros(32_000, np.float32), format="WAV"),
    "not a number": packed(np.full(32_000, np.nan, np.float32), format="WAV", subtype="FLOAT"),
    "infinite": packed(np.full(32_000, np.inf, np.float32), format="WAV", subtype="FLOAT"),
    "a rate of 1 Hz": packed(tone(1), 1, format="WAV"),
    "many channels": packed(np.tile(tone(1)[:, None], (1, 64)), format="WAV"),
    "another format": packed(tone(2), format="AIFF"),
    "raw that names a file": b"file:///etc/passwd\n#EXTM3U\n/etc/passwd",
    "damaged": packed(speech(), format="FLAC")[:400] + b"\0" * 4000,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_no_short_recording_of_speech_is_refused_in_one_line(name):
    with pytest.raises(StreamflowError) as error:
        read_bounded(ATTACKS[name], 0.5, 20)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [lying_wav(2**32 - 9), lying_flac()], ids=["wav", "flac"])
def test_a_head_that_lies_about_the_length_is_refused_or_what_is_there_is_read(content):
    try:
        samples = read_bounded(content, 0.5, 20)
    except StreamflowError as error:
        assert "\n" not in str(error)
    else:
        assert len(samples) <= len(speech()) + 1


def test_refusals_come_through_the_process_as_they_are():
    with pytest.raises(UploadError, match="not readable as audio"):
        decode_upload(b"nothing of the kind", LIMITS)
    with pytest.raises(UploadError, match="longer than 20 s"):
        decode_upload(ATTACKS["too long"], LIMITS)


def test_a_file_that_is_too_large_never_reaches_a_decoder():
    with pytest.raises(UploadError, match="larger than 1 MB"):
        decode_upload(bytes(1_000_001), Limits(upload_bytes=1_000_000))


def test_the_process_can_write_no_file_and_take_no_more_than_its_memory(tmp_path):
    program = (
        "import sys\nfrom harness.live.upload import confine\nconfine(0)\n"
        "try:\n    open(sys.argv[1], 'wb', buffering=0).write(b'x')\n    print('wrote')\n"
        "except OSError as error:\n    print('refused')\n"
        "try:\n    bytearray(3_000_000_000)\n    print('took')\nexcept MemoryError:\n    print('bounded')\n"
    )
    program = "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + program
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "f")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused", "bounded"]


def test_a_decoder_that_takes_too_long_is_ended():
    with pytest.raises(UploadError, match=r"longer than 0\.01 s"):
        decode_upload(SPEECH.read_bytes(), Limits(upload_s=0.01))


def test_an_upload_is_its_visitors_alone_and_goes_when_it_is_dropped():
    uploads = Uploads(LIMITS)
    made = uploads.add("anna", SPEECH.read_bytes())
    assert uploads.get(made.id, "anna").seconds == pytest.approx(len(speech()) / 16_000)
    for act in (uploads.get, uploads.drop):
        with pytest.raises(UnknownJobError, match="upload the recording again"):
            act(made.id, "berta")
    uploads.drop(made.id, "anna")
    with pytest.raises(UnknownJobError):
        uploads.get(made.id, "anna")


def test_old_uploads_and_too_many_of_them_are_forgotten():
    uploads = Uploads(Limits(niceness=0, upload_s=120, uploads_per_visitor=1))
    first, second = (uploads.add("anna", SPEECH.read_bytes()) for _ in range(2))
    with pytest.raises(UnknownJobError):
        uploads.get(first.id, "anna")
    assert uploads.get(second.id, "anna")
    brief = Uploads(Limits(niceness=0, upload_s=120, kept_s=0.0))
    gone = brief.add("anna", SPEECH.read_bytes())
    with pytest.raises(UnknownJobError):
        brief.get(gone.id, "anna")


def test_the_limits_are_said_in_words():
    assert limits_text(Limits()).startswith("WAV, FLAC, Ogg (Vorbis or Opus) or MP3, 0.5 to 20 seconds")


def test_uploads_count_in_the_memory_that_is_kept():
    recording = packed(speech(), format="WAV")
    size = Uploads(LIMITS).add("anna", recording).samples.nbytes / 1e6
    uploads = Uploads(replace(LIMITS, kept_mb=2.5 * size))
    first, second, third = (uploads.add(name, recording).id for name in ("anna", "berta", "carl"))
    assert uploads.megabytes == pytest.approx(2 * size)
    with pytest.raises(UnknownJobError):
        uploads.get(first, "anna")
    assert uploads.get(second, "berta").id == second and uploads.get(third, "carl").id == third
