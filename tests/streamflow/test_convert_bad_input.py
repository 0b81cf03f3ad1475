"""A checkpoint that is not what it should be: one line that names it, nothing executed, nothing half-written."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from streamflow.convert import target
from streamflow.convert.cli import app
from streamflow.convert.ecapa import plain_yaml
from streamflow.errors import CheckpointError
from streamflow.vocoders.bigvgan_config import PRESETS

from .published_files import write_ecapa, write_qwen

INDEX = "model.safetensors.index.json"
SECOND = "model-00002-of-00003.safetensors"
DIT = "token2wav.code2wav_dit_model."


class Trap:
    """Its pickle asks for a file to be made when it is read."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "qwen"
    write_qwen(folder)
    return folder


@pytest.fixture(scope="module")
def whole_ecapa(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "ecapa"
    write_ecapa(folder)
    return folder


@pytest.fixture
def published(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "in" / "qwen"))


def refused(kind: str, folder: Path | str, out: Path) -> str:
    """The error's line, after a look that nothing was left behind."""
    result = CliRunner().invoke(app, [kind, str(folder), "--out", str(out)])
    assert isinstance(result.exception, CheckpointError), result.output
    assert not out.exists() and not (out.parent.exists() and list(out.parent.glob("*.partial")))
    assert "\n" not in str(result.exception)
    return str(result.exception)


def edit_index(folder: Path, change) -> None:
    index = json.loads((folder / INDEX).read_text())
    change(index["weight_map"])
    (folder / INDEX).write_text(json.dumps(index))


def edit_config(folder: Path, part: str, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["token2wav_config"][part] |= changes
    (folder / "config.json").write_text(json.dumps(config))


def edit_shard(folder: Path, change) -> None:
    """Change the tensors of the shard that holds the output layer."""
    place = json.loads((folder / INDEX).read_text())["weight_map"][f"{DIT}proj_out.bias"]
    state = load_file(folder / place)
    change(state)
    save_file(state, folder / place)


def truncate(path: Path, keep: float = 0.6) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: truncate(d / SECOND), r"00002-of-00003\.safetensors: damaged \(.*fetch the file again"),
        (lambda d: (d / SECOND).write_bytes(b""), r"00002-of-00003\.safetensors: damaged"),
        (lambda d: (d / SECOND).write_bytes(b"\xff" * 64), r"00002-of-00003\.safetensors: damaged"),
        (lambda d: (d / SECOND).unlink(), r"00002-of-00003\.safetensors: no such file; fetch every file"),
        (lambda d: (d / INDEX).write_text("{"), "index.json: not JSON"),
        (lambda d: (d / INDEX).write_text("[1]"), "index.json: holds no object"),
        (lambda d: (d / INDEX).write_text("{}"), "has no weight_map"),
        (lambda d: (d / "config.json").unlink(), "config.json: no such file"),
        (lambda d: (d / "config.json").write_text("{}"), "has no token2wav_config; is it a Qwen2.5-Omni checkpoint"),
        (lambda d: edit_index(d, lambda m: m.pop(f"{DIT}proj_out.bias")), "DiT: proj_out.bias is missing"),
        (lambda d: edit_index(d, lambda m: m.clear()), "no tensor is named token2wav"),
        (
            lambda d: edit_index(d, lambda m: m.update({f"{DIT}proj_out.bias": "../x.safetensors"})),
            "no plain file name",
        ),
        (lambda d: edit_index(d, lambda m: m.update({f"{DIT}proj_out.bias": "/etc/passwd"})), "no plain file name"),
        (lambda d: edit_index(d, lambda m: m.update({f"{DIT}a": SECOND})), "has no .*dit_model.a, which the index"),
        (
            lambda d: edit_shard(d, lambda s: s.update({f"{DIT}proj_out.bias": torch.zeros(81)})),
            r"shape \[81\].*\[80\]",
        ),
        (
            lambda d: edit_shard(d, lambda s: s.update({f"{DIT}proj_out.bias": torch.ones(80, dtype=torch.int8)})),
            "int8",
        ),
        (lambda d: edit_config(d, "dit_config", num_hidden_layers=7), "transformer_blocks.6.* is missing"),
        (lambda d: edit_config(d, "dit_config", num_hidden_layers=5), "transformer_blocks.5.* is unknown"),
        (lambda d: edit_config(d, "dit_config", hidden_size=96), "4 heads of 16 are not the width 96"),
        (lambda d: edit_config(d, "dit_config", mel_dim=100), "only 80 bands can be converted"),
        (lambda d: edit_config(d, "dit_config", emb_dim="many"), "dit_config.emb_dim is 'many'"),
        (lambda d: edit_config(d, "dit_config", enc_channels=[]), "enc_channels .* make no encoder"),
        (lambda d: edit_config(d, "dit_config", num_attention_heads=0), "num_attention_heads is 0"),
        (lambda d: edit_config(d, "dit_config", enc_res2net_scale=0), "enc_res2net_scale"),
        (lambda d: edit_config(d, "dit_config", block_size=0), "block_size is 0"),
        (lambda d: edit_config(d, "dit_config", num_hidden_layers=10**12), "num_hidden_layers is 10+;"),
        (lambda d: edit_config(d, "bigvgan_config", upsample_rates=[5, 3]), "one upsample_kernel_sizes entry each"),
        (lambda d: edit_config(d, "bigvgan_config", upsample_initial_channel=128), "BigVGAN: .* has the shape"),
        (lambda d: truncate(d / "spk_dict.pt"), "spk_dict.pt: (damaged|holds more)"),
        (lambda d: torch.save([1], d / "spk_dict.pt"), "spk_dict.pt: holds no voices"),
        (lambda d: torch.save({"A": {"cond": torch.ones(1, 12)}}, d / "spk_dict.pt"), "A lacks cond or ref_mel"),
        (
            lambda d: torch.save({"A": {"cond": torch.ones(1, 9), "ref_mel": torch.ones(1, 9, 80)}}, d / "spk_dict.pt"),
            r"A has the shapes \[1, 9\]",
        ),
    ],
)
def test_what_is_wrong_with_shards_or_settings_is_named(published, tmp_path, spoil, message: str):
    spoil(published)
    assert re.search(message, refused("qwen2.5-omni", published, tmp_path / "out" / "qwen"))


@pytest.mark.parametrize(
    "wrap", [lambda t: t, lambda t: {"Chelsie": {"cond": t, "ref_mel": t}}], ids=["bare", "inside"]
)
@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_with_code_in_it_is_refused_and_never_runs(published, tmp_path, wrap, protocol, zipped):
    marker = tmp_path / "executed"
    trap = wrap(Trap(marker))
    if zipped:
        torch.save(trap, published / "spk_dict.pt", pickle_protocol=protocol)
    else:
        (published / "spk_dict.pt").write_bytes(pickle.dumps(trap, protocol))
    assert "spk_dict.pt: " in refused("qwen2.5-omni", published, tmp_path / "out" / "qwen")
    assert not marker.exists()
    # the trap is a real one: whoever reads it the usual way runs it
    torch.load(published / "spk_dict.pt", weights_only=False) if zipped else pickle.loads(pickle.dumps(trap))
    assert marker.exists()


def test_no_code_runs_from_a_generator_or_an_embedding_model(whole_ecapa, tmp_path):
    marker = tmp_path / "executed"
    folder = Path(shutil.copytree(whole_ecapa, tmp_path / "ecapa"))
    torch.save({"blocks.0.conv.conv.weight": Trap(marker)}, folder / "embedding_model.ckpt")
    assert "holds more than tensors" in refused("ecapa", folder, tmp_path / "out")
    generator = tmp_path / "bigvgan"
    generator.mkdir()
    (generator / "config.json").write_text(json.dumps(asdict(PRESETS["tiny"])))
    torch.save({"generator": {"conv_pre.weight": Trap(marker)}}, generator / "bigvgan_generator.pt")
    assert "holds more than tensors" in refused("bigvgan", generator, tmp_path / "out")
    assert not marker.exists()


@pytest.mark.parametrize(
    "tag",
    [
        "x: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{marker}']]",
        "x: !apply:pathlib.Path.touch [!new:pathlib.Path ['{marker}']]",
        "x: !new:os.system ['touch {marker}']",
        "x: !name:os.system\nembedding_model: !!python/object/new:os.system ['touch {marker}']",
    ],
)
def test_settings_with_code_in_them_are_read_as_text(tmp_path, tag: str):
    marker = tmp_path / "executed"
    path = tmp_path / "hyperparams.yaml"
    path.write_text(tag.format(marker=marker))
    plain_yaml(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "hyperparams.yaml").unlink(), "hyperparams.yaml: no such file"),
        (lambda d: (d / "hyperparams.yaml").write_text("a: [1"), "not YAML"),
        (lambda d: (d / "hyperparams.yaml").write_text("- 1"), "holds no settings"),
        (lambda d: (d / "hyperparams.yaml").write_text("n_mels: 80"), "is it an ECAPA-TDNN"),
        (lambda d: truncate(d / "embedding_model.ckpt"), "embedding_model.ckpt: (damaged|holds more)"),
        (lambda d: torch.save({"a": 1}, d / "embedding_model.ckpt"), "holds no state dict"),
        (lambda d: torch.save({"a": torch.ones(1)}, d / "embedding_model.ckpt"), "ECAPA-TDNN: .* is missing"),
        (
            lambda d: (d / "hyperparams.yaml").write_text(
                (d / "hyperparams.yaml").read_text().replace("[32, 32, 32, 32, 96]", "[64, 64, 64, 64, 192]")
            ),
            r"blocks.0.conv.conv.weight has the shape \[32, 80, 5\], .*\[64, 80, 5\]",
        ),
        (
            lambda d: (d / "hyperparams.yaml").write_text(
                (d / "hyperparams.yaml").read_text().replace("[5, 3, 3, 3, 1]", "[5, 5, 3, 3, 1]")
            ),
            "kernel_sizes .* cannot be converted",
        ),
    ],
)
def test_what_is_wrong_with_a_speechbrain_folder_is_named(whole_ecapa, tmp_path, spoil, message: str):
    folder = Path(shutil.copytree(whole_ecapa, tmp_path / "in"))
    spoil(folder)
    assert re.search(message, refused("ecapa", folder, tmp_path / "out"))


def test_a_folder_that_is_taken_is_left_alone(published, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    result = CliRunner().invoke(app, ["qwen2.5-omni", str(published), "--out", str(tmp_path / "out")])
    assert "is there already; name a new folder" in str(result.exception)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_name_that_is_neither_folder_nor_hub_is_refused(tmp_path):
    assert "no such folder; give the checkpoint's folder" in refused("bigvgan", "downloads/no/such", tmp_path / "out")


def test_a_hub_without_network_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "cannot be fetched from the hub" in refused("bigvgan", "nobody/has-this-checkpoint", tmp_path / "out")


def test_a_disk_that_fails_leaves_nothing(published, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(target, "write_sums", fail)
    assert "cannot be written (no space left on device)" in refused("qwen2.5-omni", published, tmp_path / "o" / "q")
