"""What is wrong with a checkpoint is found and named, and nothing in it is executed."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from streamflow.checkpoint_check import CARD, SUMS, facts_of, licence_of, verify, write_sums
from streamflow.checkpoint_cli import app
from streamflow.checkpoints import PRETRAINED, Bundle
from streamflow.tiny import make_tiny_bundle


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "tiny"
    write_sums(make_tiny_bundle(folder))
    return folder


@pytest.fixture
def bundle(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "tiny"))


def problems(folder: Path) -> dict[str, str]:
    return {what: problem for what, problem in verify(Bundle(folder)) if problem}


def test_a_whole_checkpoint_has_nothing_wrong(bundle):
    assert problems(bundle) == {}


def test_the_shipped_one_is_whole_and_states_its_licences():
    shipped = Bundle(PRETRAINED / "small")
    assert (shipped.directory / SUMS).is_file() and problems(shipped.directory) == {}
    assert "CC BY 4.0" in licence_of(shipped)
    assert sum(one.parameters for one in facts_of(shipped) if one.name == "decoder.safetensors") > 8_000_000


def test_a_changed_file_is_named_with_both_hashes(bundle):
    path = bundle / "vocoder.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "restore it" in problems(bundle)["vocoder.safetensors"]


def test_a_truncated_file_is_named(bundle):
    path = bundle / "decoder.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    (bundle / SUMS).unlink()
    assert "damaged" in problems(bundle)["decoder, full"]


def test_a_value_that_is_not_finite_is_named(bundle):
    (bundle / SUMS).unlink()
    state = load_file(bundle / "speaker.safetensors")
    name = next(name for name, value in state.items() if value.is_floating_point())
    state[name].view(-1)[0] = float("nan")
    save_file(state, bundle / "speaker.safetensors")
    assert problems(bundle) == {
        "speaker": f"{bundle}/speaker.safetensors: {name} holds a value that is not finite; restore it"
    }


def test_differences_to_other_weights_are_refused(bundle):
    card = json.loads((bundle / "bundle.json").read_text())
    card["decoder_id"] = "0" * 16
    (bundle / "bundle.json").write_text(json.dumps(card))
    (bundle / SUMS).unlink()
    found = problems(bundle)
    assert "other weights" in found["decoder, full"] and "train causal again" in found["decoder, causal"]


def test_a_file_too_few_and_one_too_many_are_named(bundle):
    (bundle / "decoder-causal.safetensors").rename(bundle / "decoder-acausal.safetensors")
    found = problems(bundle)
    assert "not there" in found["decoder-causal.safetensors"]
    assert "is not in SHA256SUMS" in found["decoder-acausal.safetensors"]


def test_a_file_that_could_hold_code_is_pointed_out_and_never_read(bundle, tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    (bundle / "speaker.pt").write_bytes(pickle.dumps(Trap()))
    torch.save({"a": torch.zeros(1)}, bundle / "decoder.bin")
    assert problems(bundle) == {"format": "decoder.bin, speaker.pt may hold code; it is never read here, take it away"}
    assert not (tmp_path / "executed").exists()


def test_the_verbs_tell_by_their_exit_code(bundle):
    runner = CliRunner()
    assert runner.invoke(app, ["verify", str(bundle)]).exit_code == 0
    (bundle / SUMS).write_text("0" * 64 + "  bundle.json\n")
    wrong = runner.invoke(app, ["verify", str(bundle)])
    assert wrong.exit_code == 1 and "WRONG  bundle.json" in wrong.output
    assert runner.invoke(app, ["verify", str(bundle), "--write"]).exit_code == 0
    shown = runner.invoke(app, ["show", str(bundle)])
    assert shown.exit_code == 0 and "streamflow-lr" in shown.output and "licence: not stated" in shown.output


def test_what_is_shown_says_what_it_is_and_cuts_nothing_off(bundle, monkeypatch):
    """A terminal of 80 columns cut hashes to seven digits and sizes to their first."""
    monkeypatch.setenv("COLUMNS", "80")
    (bundle / CARD).write_text("# Tiny\n\nRandom weights,\nfor tests.\n\n## Licence\n\nCC0.\n", encoding="utf-8")
    shown = CliRunner().invoke(app, ["show", str(bundle)]).output
    assert "tiny: Random weights, for tests." in shown and "CC0." in shown and "…" not in shown
    for one in facts_of(Bundle(bundle)):
        assert (
            f"SHA-256 {one.sha256}  {one.name}" in shown and f"{one.size:,}" in shown and f"{one.parameters:,}" in shown
        )
