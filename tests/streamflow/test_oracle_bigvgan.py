"""NVIDIA's class, not this project, says what a published BigVGAN sounds like."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from streamflow.checkpoint_check import licence_of, verify
from streamflow.checkpoints import Bundle
from streamflow.convert.cli import app

from .bigvgan_oracle import BASE, SECOND, write_bigvgan

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")

LAYOUTS = {
    "base": BASE,
    "v2": SECOND,
    "base, snake": BASE | {"activation": "snake"},
    "v2, snake, its parameters no logarithms": SECOND | {"activation": "snake", "snake_logscale": False},
    "v2 with a bias at the end": SECOND | {"use_bias_at_final": True},
    "v2 with tanh at the end": SECOND | {"use_tanh_at_final": True},
    "base clipped at the end": BASE | {"use_tanh_at_final": False},
    "hop 512 at 44 kHz, 128 bands": SECOND
    | {
        "num_mels": 128,
        "hop_size": 512,
        "sampling_rate": 44100,
        "upsample_rates": [8, 4, 2, 2, 2, 2],
        "upsample_kernel_sizes": [16, 8, 4, 4, 4, 4],
    },
    "single convolutions": BASE | {"resblock": "2", "resblock_dilation_sizes": [[1, 3], [1, 3], [1, 3]]},
}


def converted(folder: Path, out: Path) -> Bundle:
    result = CliRunner().invoke(app, ["bigvgan", str(folder), "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    return Bundle(out)


@torch.no_grad()
@pytest.mark.parametrize(
    ("settings", "weight_norm"),
    [*((settings, True) for settings in LAYOUTS.values()), (BASE, False), (SECOND, False)],
    ids=[*LAYOUTS, "base without weight normalisation", "v2 without weight normalisation"],
)
def test_a_published_generator_gives_nvidias_waveform(tmp_path, settings: dict, weight_norm: bool):
    oracle = write_bigvgan(tmp_path / "in", settings, weight_norm=weight_norm)
    bundle = converted(tmp_path / "in", tmp_path / "out")
    mel = torch.randn(1, 12, settings["num_mels"], generator=torch.Generator().manual_seed(5)) * 2 - 5
    expected = oracle(mel.transpose(1, 2))[0]
    assert expected.shape == (1, 12 * settings["hop_size"])
    # heard, and not only at its ends: a limiter would hide what comes before it
    assert expected.std() > 0.05 and (expected.abs() < 0.99).float().mean() > 0.7
    torch.testing.assert_close(bundle.vocoder(mel), expected, atol=1e-5, rtol=0)
    assert bundle.card["sample_rate"] == settings["sampling_rate"] and bundle.vocoder.hop == settings["hop_size"]
    assert {what for what, problem in verify(bundle) if not problem} >= {"format", "vocoder", "vocoder.safetensors"}
    assert all(not problem for _, problem in verify(bundle)) and bundle.patterns == []
    assert "mit (stated in the checkpoint's README.md)" in licence_of(bundle)


@torch.no_grad()
def test_the_choice_of_the_end_is_heard(tmp_path):
    """The oracle would not notice a lost setting if it made no difference to it."""
    mel = torch.randn(1, 12, 100, generator=torch.Generator().manual_seed(5)) * 2 - 5
    waves = [
        write_bigvgan(tmp_path / str(i), settings)(mel.transpose(1, 2))
        for i, settings in enumerate(
            (
                BASE,
                BASE | {"use_tanh_at_final": False},
                BASE | {"activation": "snake"},
                BASE | {"snake_logscale": False},
            )
        )
    ]
    assert all((wave - waves[0]).abs().max() > 0.01 for wave in waves[1:])
