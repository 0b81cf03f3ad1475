"""What the decoding process does with one task after another; here in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.corpus import SHIPPED, load_corpus
from harness.live.decoding import Decoder
from harness.live.tasks import Task
from streamflow.dit import DiT


def test_a_system_that_is_decoded_again_is_still_warm(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, setting_up = [], []
    decoder = Decoder(lambda event: told.append((event, len(setting_up))))
    modulations = DiT.modulations

    def counted(self, times):
        setting_up.append(times)
        return modulations(self, times)

    monkeypatch.setattr(DiT, "modulations", counted)
    for name in ("first", "second"):
        system = {"name": name, "strategy": "naive", "parameters": {}, "control": False}
        recording = str(load_corpus(SHIPPED).utterances[0].path)
        decoder.carry_out(
            Task("one", str(checkpoints / "tiny"), [system], 0, 0.0, recording=recording, metrics=["duration_ratio"])
        )
    assert [event["system"] for event, _ in told if event["kind"] == "rendered"] == ["first", "second"]
    before = [count for event, count in told if event["kind"] == "system"]
    after = [count for event, count in told if event["kind"] == "rendered"]
    assert setting_up and before == after  # what a new system computes once is not in the decode that counts
