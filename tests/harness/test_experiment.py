from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import toml
from harness.experiment import Experiment, ExperimentError, load_experiment
from harness.systems import UnknownSystemError

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
SCALAR = st.one_of(TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
TREE = st.recursive(
    st.dictionaries(TEXT, SCALAR | st.lists(SCALAR, max_size=3), max_size=4),
    lambda inner: st.dictionaries(TEXT, SCALAR | inner, max_size=4),
    max_leaves=12,
)


@given(TREE)
def test_toml_that_is_written_reads_back_the_same(table):
    assert tomllib.loads(toml.dumps(table)) == table


def test_options_alone_make_an_experiment():
    experiment = load_experiment(corpus="m.csv", systems="full,mine=a.b:C", seeds=[3])
    assert experiment.corpus == Path("m.csv")
    assert [spec.name for spec in experiment.systems] == ["full", "mine"]
    assert experiment.seeds == (3,)
    assert experiment.metrics is None


def test_another_device_than_the_cpu_is_part_of_the_experiment():
    plain = load_experiment(corpus="m.csv", systems="full")
    there = load_experiment(corpus="m.csv", systems="full", device="cuda")
    assert plain.table()["device"] is None and "device" not in tomllib.loads(plain.to_toml())
    assert there.table() != plain.table() and tomllib.loads(there.to_toml())["device"] == "cuda"
    assert Experiment.from_table(there.table(), source="t", folder=Path()) == there


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    return path


def test_a_file_gives_tables_of_systems_and_a_corpus_beside_it(tmp_path):
    path = write(
        tmp_path,
        'corpus = "m.csv"\nmetrics = ["stoi"]\n[systems.full]\n[systems.sr-hop2]\nstrategy = "streamflow-sr"\nhop = 2\n'
        '[systems.mine]\nobject = "a.b:C"\n',
    )
    experiment = load_experiment(path)
    assert experiment.corpus == tmp_path / "m.csv"
    assert [spec.name for spec in experiment.systems] == ["full", "sr-hop2", "mine"]
    assert experiment.systems[1].parameters == {"hop": 2}
    assert experiment.metrics == ("stoi",)


def test_options_go_before_the_file(tmp_path):
    path = write(tmp_path, 'corpus = "m.csv"\nsystems = ["full"]\nseed = 1\nsplit = "a"\n')
    experiment = load_experiment(path, seeds=[2], systems="naive")
    assert (experiment.seeds, experiment.split, experiment.systems[0].name) == ((2,), "a", "naive")


def test_run_toml_repeats_the_experiment_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment = load_experiment(corpus="m.csv", systems="full,mine=a.b:C", split="s", limit=4, metrics=["stoi"])
    (tmp_path / "elsewhere").mkdir()
    path = write(tmp_path / "elsewhere", experiment.to_toml())
    again = load_experiment(path)
    assert again.corpus == tmp_path / "m.csv"
    assert Experiment.table(again) == {**experiment.table(), "corpus": str(tmp_path / "m.csv")}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('corpus = "m"\nsystem = ["full"]\n', "did you mean 'systems'"),
        ('corpus = "m"\nsystems = ["full"]\nseeds = ["0"]\n', "whole numbers"),
        ('corpus = "m"\nsystems = ["full"]\nseeds = [true]\n', "whole numbers"),
        ('corpus = 3\nsystems = ["full"]\n', "a string"),
        ('systems = ["full"]\n', "no corpus"),
        ('corpus = "m"\nsystems = 3\n', "systems must be"),
        ('corpus = "m"\nsystems = ["full"]\nmetrics = "stoi"\n', "must be a list"),
        ("corpus = \n", "not TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path, text, part):
    with pytest.raises(ExperimentError) as caught:
        load_experiment(write(tmp_path, text))
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_systems_and_no_file_are_refused(tmp_path):
    with pytest.raises(UnknownSystemError, match="no systems"):
        load_experiment(corpus="m.csv")
    with pytest.raises(ExperimentError, match=r"none\.toml"):
        load_experiment(tmp_path / "none.toml")
