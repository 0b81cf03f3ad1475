"""What one may turn, and what is said of a system before it is decoded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.live.describe import describe_system
from harness.live.errors import ViewError
from harness.live.parameters import CHOICE, LAYERS, PARAMETERS, SWITCH, checked_parameters, parameters_of
from streamflow.checkpoints import Bundle
from streamflow.errors import CheckpointError
from streamflow.strategies import STRATEGIES, make_system, parameters_of_strategy

OTHERS = {"crossfade": 0.2, "hop": 2, "nfe": 8, "back": 3, "backward": "1+2"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_parameter_of_every_strategy_may_be_turned(strategy):
    assert set(parameters_of(strategy)) == set(parameters_of_strategy(strategy))
    for name, (parameter, default) in parameters_of(strategy).items():
        assert parameter.read(default, optional=default is None) == default
        assert parameter.help and parameter.label
        assert strategy in parameter.takes
        assert parameter is PARAMETERS[name]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_both_ends_of_every_slider_can_be_decoded(strategy, checkpoints):
    for name, (parameter, _) in parameters_of(strategy).items():
        ends = {CHOICE: parameter.choices, SWITCH: (True, False), LAYERS: ("no", "0+1+5")}.get(
            parameter.kind, (parameter.low, parameter.high)
        )
        for end in ends:
            described = describe_system(strategy, {name: end}, checkpoints / "tiny")
            assert described["parameters"][name] == end


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("turned", [False, True])
def test_a_description_is_what_the_decoder_says_of_itself(strategy, turned, checkpoints):
    parameters = {k: v for k, v in OTHERS.items() if k in parameters_of(strategy)} if turned else {}
    told = describe_system(strategy, parameters, checkpoints / "tiny")
    made = make_system(strategy, Bundle(checkpoints / "tiny"), **parameters).describe()
    assert {key: told[key] for key in made} == made
    json.dumps(told)


def test_the_parts_of_the_latency_add_up(checkpoints):
    for strategy in ("naive", "window", "causal", "cosyvoice", "streamflow-sr"):
        told = describe_system(strategy, {}, "small")
        assert sum(told["latency_parts"].values()) == pytest.approx(told["algorithmic_latency_s"])
    assert describe_system("full", {})["latency_parts"] is None
    short, far = (describe_system("streamflow-sr", {"ahead": ahead}) for ahead in (0, 2))
    assert far["algorithmic_latency_s"] - short["algorithmic_latency_s"] == pytest.approx(0.48)


def test_describing_reads_no_weights(checkpoints: Path, tmp_path: Path):
    shutil.copy(checkpoints / "tiny" / "bundle.json", tmp_path)
    assert describe_system("streamflow-lr", {}, tmp_path)["receptive_field"] == {"back": 4, "ahead": 1}


def test_a_checkpoint_without_the_weights_is_told_of(checkpoints: Path, tmp_path: Path):
    card = json.loads((checkpoints / "tiny" / "bundle.json").read_text())
    del card["differences"]["causal"]
    (tmp_path / "bundle.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match="no weights for causal"):
        describe_system("causal", {}, tmp_path)


def test_parameters_that_do_not_fit_are_refused():
    with pytest.raises(ViewError, match="no parameter 'nef'"):
        checked_parameters("full", {"nef": 2})
    assert checked_parameters("naive", {"nfe": "8", "guidance": "1", "fresh_noise": "no"}) == {
        "nfe": 8,
        "guidance": 1.0,
        "fresh_noise": False,
    }
