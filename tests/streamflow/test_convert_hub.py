"""Weights from a hub: the real client fetches over HTTP, from a server on this machine that speaks as the hub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from streamflow.checkpoint_check import source_lines, verify
from streamflow.checkpoints import Bundle

from .bigvgan_oracle import SECOND, write_bigvgan
from .hub_server import COMMIT, Hub, served
from .published_files import write_qwen

NAME = "nvidia/bigvgan_small"
PIECE = 10 * 2**20  # the client writes down so many bytes at once: it can go on only after these


pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "bigvgan"
    generator = write_bigvgan(folder, SECOND).state_dict()
    padding = torch.zeros(PIECE // 4)  # the file of the real one has 450 MB
    torch.save({"generator": generator, "padding": padding}, folder / "bigvgan_generator.pt")
    return folder


@pytest.fixture
def convert(tmp_path):
    """``streamflow convert`` in a process of its own, for the client reads where its hub is when it is imported."""

    def run(kind: str, name: str, address: str) -> tuple[int, list[str], Path]:
        away = ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
        environment = {key: value for key, value in os.environ.items() if key not in away}
        environment |= {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1,localhost"}
        out = tmp_path / "out"
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", "convert", kind, name, "--out", str(out)],
            env=environment | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stderr.strip().splitlines(), out

    return run


def refusal(result: tuple[int, list[str], Path]) -> str:
    """The last line, which is the error, after a look that nothing was left behind; before it the client may warn."""
    code, lines, out = result
    assert code == 2 and not out.exists() and not list(out.parent.glob("*.partial"))
    assert not any("Traceback" in line for line in lines), lines
    return lines[-1]


def test_a_broken_download_goes_on_where_it_broke_and_the_bundle_is_the_folders(convert, published, tmp_path):
    with served(Hub(NAME, published, cut={"bigvgan_generator.pt": PIECE + 5})) as hub:
        code, errors, out = convert("bigvgan", NAME, hub.address)
        assert code == 0, errors
    assert ("GET", "/stored/bigvgan_generator.pt", f"bytes={PIECE}-") in hub.log
    bundle = Bundle(out)
    assert all(not problem for _, problem in verify(bundle))
    mel = torch.randn(1, 9, 100)
    weights = torch.load(published / "bigvgan_generator.pt", weights_only=True)["generator"]
    assert bundle.vocoder.state_dict()["conv_pre.bias"].equal(weights["conv_pre.bias"])
    assert torch.isfinite(bundle.vocoder(mel)).all()
    assert bundle.card["source"]["name"] == NAME and bundle.card["source"]["revision"] == COMMIT
    assert f"revision {COMMIT}" in source_lines(bundle)[0] and f"`{NAME}@{COMMIT}`" in _card(bundle)
    # every file after the first is asked for by its commit: nobody's push can put two states of a repository together
    revisions = [path.split("/")[4] for _, path, _ in hub.log if "/resolve/" in path]
    assert revisions[0] == "main" and COMMIT in revisions
    assert "main" not in revisions[revisions.index(COMMIT) :]


def _card(bundle: Bundle) -> str:
    return (bundle.directory / "MODEL_CARD.md").read_text()


def test_of_a_large_checkpoint_only_the_shards_with_the_decoder_are_fetched(convert, tmp_path):
    folder = tmp_path / "qwen"
    write_qwen(folder)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"]["thinker.lm_head.weight"] = "model-00009-of-00009.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model-00009-of-00009.safetensors").write_bytes(b"\0" * 100)
    (folder / "spk_dict.pt").unlink()  # the hub says so, and it is no error
    with served(Hub("Qwen/Qwen2.5-Omni-7B", folder)) as hub:
        code, errors, out = convert("qwen2.5-omni", "Qwen/Qwen2.5-Omni-7B", hub.address)
        assert code == 0, errors
    assert "model-00001-of-00003.safetensors" in hub.fetched and "model-00009-of-00009.safetensors" not in hub.fetched
    assert Bundle(out).voices == []
    assert all(not problem for _, problem in verify(Bundle(out)))


def test_what_was_fetched_once_is_converted_again_without_network(convert, published):
    with served(Hub(NAME, published)) as hub:
        code, errors, out = convert("bigvgan", NAME, hub.address)
        assert code == 0, errors
        first = Bundle(out).hashes
        out.rename(out.with_name("first"))
    code, errors, out = convert("bigvgan", NAME, hub.address)
    assert code == 0, errors
    assert Bundle(out).hashes == first


def test_a_repository_that_there_is_not_is_one_line(convert, published):
    with served(Hub(NAME, published)) as hub:
        line = refusal(convert("bigvgan", "nvidia/bigvgan_smal", hub.address))
    assert (
        "nvidia/bigvgan_smal: no such folder, and the hub has no such repository" in line and "check the name" in line
    )


def test_a_repository_of_another_model_is_one_line(convert, published):
    with served(Hub(NAME, published)) as hub:
        line = refusal(convert("ecapa", NAME, hub.address))
    assert f"{NAME}: has no hyperparams.yaml; is it the right repository?" in line


def test_a_gated_repository_says_what_to_do(convert, published):
    with served(Hub(NAME, published, gated=True)) as hub:
        line = refusal(convert("bigvgan", NAME, hub.address))
    assert f"{NAME}: its publisher asks for consent first" in line and "hf auth login" in line


@pytest.mark.slow  # the client tries for half a minute
def test_no_network_is_one_line(convert, published):
    with served(Hub(NAME, published)) as hub:
        pass
    line = refusal(convert("bigvgan", NAME, hub.address))
    assert f"{NAME}: no such folder, and config.json cannot be fetched from the hub" in line
    assert "check the name and the network, or give a folder" in line


def test_a_hub_that_fails_half_way_is_not_taken_for_one_without_a_file(convert, published):
    """The vocoder's weights break off again and again: no other file is taken in their place."""
    with served(Hub(NAME, published, cut={"bigvgan_generator.pt": 0}, after_cut=False)) as hub:
        line = refusal(convert("bigvgan", NAME, hub.address))
    assert "bigvgan_generator.pt cannot be fetched from the hub" in line
