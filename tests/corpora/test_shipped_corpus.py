from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from harness.corpus import Corpus, load_corpus


@pytest.fixture(scope="module")
def corpus(shipped_corpus: Path) -> Corpus:
    return load_corpus(shipped_corpus)


def test_has_two_dozen_utterances_with_texts_of_at_least_five_voices(corpus):
    assert 20 <= len(corpus.utterances) <= 28
    assert len({utterance.speaker_id for utterance in corpus.utterances}) >= 5
    texts = [utterance.text for utterance in corpus.utterances]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_every_recording_is_16_khz_mono_of_2_to_6_seconds(corpus):
    for utterance in corpus.utterances:
        info = soundfile.info(utterance.path)
        assert (info.samplerate, info.channels) == (16_000, 1), utterance.utterance_id
        assert 2 <= info.duration <= 6, utterance.utterance_id


def test_manifest_lists_every_recording_in_the_folder(corpus):
    listed = {utterance.path.name for utterance in corpus.utterances}
    assert listed == {path.name for path in corpus.path.parent.glob("*.flac")}


def test_recordings_take_at_most_3_megabytes(corpus):
    assert sum(utterance.path.stat().st_size for utterance in corpus.utterances) <= 3_000_000


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("flite", "text2wave", "espeak-ng"))),
    reason="a synthesiser is not installed; on Debian: apt-get install flite festival festvox-kdlpc16k espeak-ng",
)
def test_synthesisers_give_the_same_bytes_again(corpus):
    script = corpus.path.parent / "make_corpus.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the same bytes"
