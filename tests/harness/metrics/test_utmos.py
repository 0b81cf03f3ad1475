"""A predictor of opinion scores by TorchScript: real modules, written to files and named by path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.metrics import REGISTRY, Pair, Unscored, get_metric


class Loudness(torch.nn.Module):
    """Not an opinion; a number that is known beforehand."""

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return 1 + samples.abs().mean(dim=1)


class WithRate(torch.nn.Module):
    def forward(self, samples: torch.Tensor, rate: int) -> torch.Tensor:
        return samples.abs().mean() * rate


class TwoAnswers(torch.nn.Module):
    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return samples[:, :2]


@pytest.fixture
def saved(tmp_path: Path):
    def save(module: torch.nn.Module) -> str:
        path = tmp_path / f"{type(module).__name__}.pt"
        torch.jit.script(module).save(str(path))
        return str(path)

    return save


def predicted(model: str, rendering: np.ndarray) -> float | Unscored:
    return get_metric("utmos", {"model": model}).score_pair(Pair(rendering, None))


def test_the_value_is_the_modules_own(saved, speech: np.ndarray):
    mean = float(np.abs(speech).mean(dtype=np.float64))
    assert predicted(saved(Loudness()), speech) == pytest.approx(1 + mean, abs=1e-6)
    assert predicted(saved(WithRate()), speech) == pytest.approx(16_000 * mean, rel=1e-5)


def test_direction_and_identity(saved, speech: np.ndarray):
    first, second = saved(Loudness()), saved(WithRate())
    assert predicted(first, speech) > predicted(first, speech * np.float32(0.5))
    identities = {get_metric("utmos", {"model": model}).identity for model in (first, second, "")}
    assert len(identities) == 3
    assert all("/" not in identity for identity in identities)


def test_what_is_no_predictor_says_so(saved, tmp_path: Path, speech: np.ndarray):
    assert "name a TorchScript file: --metric-option utmos.model=PATH" in predicted("", speech).reason
    assert "no such file" in predicted(str(tmp_path / "none.pt"), speech).reason
    (tmp_path / "text.pt").write_text("weights")
    assert "not a TorchScript file" in predicted(str(tmp_path / "text.pt"), speech).reason
    value = predicted(saved(TwoAnswers()), speech)
    assert isinstance(value, Unscored) and "does not work as a predictor" in value.reason and "\n" not in value.reason


def test_bad_input_never_reaches_the_model(speech: np.ndarray):
    holed = speech.copy()
    holed[3] = np.nan
    assert "holds nan at sample 3" in REGISTRY["utmos"].score_pair(Pair(holed, None)).reason
    assert "utmos needs 0.25 s" in REGISTRY["utmos"].score_pair(Pair(speech[:2000], None)).reason
