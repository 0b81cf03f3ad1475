"""Sounds as they leave the server."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from listening_tests.service.ranges import sound_response
from listening_tests.service.sounds import Sound
from listening_tests.service.wav import encode_wav

SOUND = Sound("token", "etag", "clip:x", b"")


@given(st.integers(1, 200), st.sampled_from([1, 2]), st.integers(0, 300), st.integers(0, 2**32 - 1))
def test_other_readers_find_the_very_samples_behind_the_junk(length, channels, words, seed):
    samples = np.random.default_rng(seed).integers(-32768, 32767, (length, channels), np.int16)
    content = encode_wav(samples, 16_000, bytes(2 * words))
    read, rate = soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)
    assert rate == 16_000
    np.testing.assert_array_equal(read, samples)
    scipy_rate, scipy_read = wavfile.read(io.BytesIO(content))
    assert scipy_rate == 16_000
    np.testing.assert_array_equal(scipy_read.reshape(samples.shape), samples)
    assert len(content) == 44 + 8 + 2 * words + samples.nbytes


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_a_slice(size, first, last):
    content = bytes(range(size))
    response = sound_response(content, SOUND, f"bytes={first}-{last}")
    if last < first:
        assert (response.status_code, response.body) == (200, content)
    elif first >= size:
        assert (response.status_code, response.headers["content-range"]) == (416, f"bytes */{size}")
    else:
        assert response.status_code == 206
        assert response.body == content[first : last + 1]
        end = min(last, size - 1)
        assert response.headers["content-range"] == f"bytes {first}-{end}/{size}"


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [
        (None, 200, b"0123456789"), ("bytes=4-", 206, b"456789"), ("bytes=-3", 206, b"789"), ("bytes=-0", 416, b""),
        ("bytes=-99", 206, b"0123456789"), ("bytes=0-1,4-5", 200, b"0123456789"), ("lines=1-2", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"), ("bytes=" + "9" * 30 + "-", 200, b"0123456789"),
    ],
)  # fmt: skip
def test_ranges_as_browsers_and_others_ask_for_them(wanted, status, body):
    response = sound_response(b"0123456789", SOUND, wanted)
    assert (response.status_code, response.body) == (status, body)


def test_a_range_of_another_file_gets_the_whole():
    assert sound_response(b"0123", SOUND, "bytes=1-2", '"other"').status_code == 200
    assert sound_response(b"0123", SOUND, "bytes=1-2", '"etag"').status_code == 206


def test_parts_put_together_are_the_file(visit):
    listener = visit()
    listener.start()
    url = "/" + listener.go_to("trial")["stimuli"][0]["url"]
    whole = listener.request("GET", url)
    assert whole.headers["content-type"] == "audio/wav"
    parts = [
        listener.request("GET", url, headers={"Range": f"bytes={start}-{start + 4095}"}).content
        for start in range(0, len(whole.content), 4096)
    ]
    assert b"".join(parts) == whole.content
    head = listener.request("HEAD", url)
    assert head.content == b""
    assert head.headers["content-length"] == str(len(whole.content))


def test_headphone_intervals_are_stereo_and_last_a_second(visit):
    listener = visit(screening={"headphones": ["woods"], "level": False})
    listener.start()
    step = listener.go_to("headphones")
    for item in step["stimuli"]:
        content = listener.request("GET", "/" + item["url"]).content
        samples, rate = soundfile.read(io.BytesIO(content))
        assert samples.shape == (rate, 2)
        assert item["seconds"] == 1.0
