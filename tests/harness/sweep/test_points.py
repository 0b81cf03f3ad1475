"""Which systems a sweep comes to, what they are called, and what strategies refuse."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import usable_as_file_name
from harness.run import RunFolder
from harness.storage import write_bytes
from harness.sweep import AxisError, Sweep, SweepError, plan_sweeps, points_of, read_sweeps, swept_runs
from harness.systems import parse_systems
from streamflow.strategies import parameters_of_strategy


def sweep(strategy="naive", name="sweep", **table) -> Sweep:
    return Sweep.from_table(name, {"strategy": strategy, **table})


blocks = st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True)
fades = st.lists(st.sampled_from([0.0, 0.05, 0.1, 0.2]), min_size=1, max_size=4, unique=True)


@given(blocks=blocks, fades=fades)
def test_a_grid_is_every_combination_and_the_default(blocks, fades):
    points = points_of(sweep(vary={"block": blocks, "crossfade": fades}))
    defaults = parameters_of_strategy("naive")
    found = {(p.parameters.get("block", 24), p.parameters.get("crossfade", 0.0)) for p in points}
    assert defaults["block"] == 24
    assert found == {*itertools.product(blocks, fades), (24, 0.0)}
    assert len(points) == len(found)
    assert points[0].name == "naive"


@given(blocks=blocks, fades=fades)
def test_one_at_a_time_moves_a_single_parameter_off_its_default(blocks, fades):
    points = points_of(sweep(vary={"block": blocks, "crossfade": fades}, one_at_a_time=True))
    assert all(len(p.parameters) <= 1 for p in points)
    assert len(points) == 1 + len(set(blocks) - {24}) + len(set(fades) - {0.0})


@given(blocks=blocks, fades=fades)
def test_names_are_unique_usable_and_the_same_in_any_sweep(blocks, fades):
    both = points_of(sweep(vary={"block": blocks, "crossfade": fades}))
    turned = points_of(sweep(vary={"crossfade": fades[::-1], "block": blocks[::-1]}))
    names = [p.name for p in both]
    assert len(set(names)) == len(names)
    assert {p.name: p.parameters for p in both} == {p.name: p.parameters for p in turned}
    assert all(usable_as_file_name(name) and not set(name) & set(",=") for name in names)
    # as other commands read lists of systems
    assert [spec.name for spec in parse_systems(",".join(names))] == names


def test_a_sweep_over_one_axis_is_part_of_the_one_over_two():
    one = {p.name for p in points_of(sweep(vary={"block": [12, 48]}))}
    two = {p.name for p in points_of(sweep(vary={"block": [12, 48], "crossfade": [0.0, 0.1]}))}
    assert one < two
    assert one == {"naive", "naive@block-12", "naive@block-48"}


def test_a_strategy_that_does_not_take_an_axis_is_varied_along_the_others_and_that_is_said(tiny):
    wanted = sweep(["naive", "window"], vary={"block": [12], "back": [0]})
    planned = plan_sweeps({"sweep": wanted}, tiny)
    assert [s.name for s in planned.systems] == ["naive", "naive@block-12", "window", "window@block-12+back-0"]
    assert planned.notes == ["naive takes no back, which is not varied for it"]


def test_what_a_strategy_refuses_is_left_out_with_its_reason_and_the_rest_is_kept(tiny):
    planned = plan_sweeps({"sweep": sweep(vary={"crossfade": [0.1, 0.3], "nfe": [2, 3], "solver": ["heun"]})}, tiny)
    refused = planned.left_out
    assert all("crossfade-0.3" in name or "nfe-3" in name for name in refused)
    assert "0.2" in refused["naive@crossfade-0.3+nfe-2+solver-heun"]
    assert "\n" not in "".join(refused.values())
    assert [spec.name for spec in planned.systems] == ["naive", "naive@crossfade-0.1+nfe-2+solver-heun"]
    assert len(planned.tables["sweep"]["left_out"]) == len(refused)


def test_a_value_that_the_strategy_would_choose_itself_is_the_same_system(tiny):
    planned = plan_sweeps({"sweep": sweep("streamflow-sr", vary={"back": "0:3"})}, tiny)
    assert planned.left_out == {"streamflow-sr@back-2": "the same as streamflow-sr"}


def test_nothing_left_to_vary_is_one_line(tiny):
    with pytest.raises(SweepError, match=r"nothing is left to vary .*0\.2"):
        plan_sweeps({"sweep": sweep(vary={"crossfade": [0.3, 0.4]})}, tiny)


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({"strategy": "nave", "vary": {"block": [1]}}, "did you mean 'naive'"),
        ({"strategy": "naive", "vary": {"blok": [1]}}, "did you mean 'block'"),
        ({"strategy": "naive", "vary": {"seed": [1]}}, "--seeds"),
        ({"strategy": "copy-synthesis", "vary": {"block": [1]}}, "to be varied are none"),
        ({"strategy": "naive"}, "nothing is varied"),
        ({"vary": {"block": [1]}}, "no strategy"),
        ({"strategy": "naive", "varies": {}}, "unknown key 'varies', did you mean 'vary'"),
        ({"strategy": "naive", "vary": {"block": [1]}, "fixed": {"block": 2}}, "both varied and fixed"),
    ],
)
def test_what_cannot_be_a_sweep_is_one_line(table, part):
    with pytest.raises(SweepError, match=part) as caught:
        Sweep.from_table("blocks", table)
    assert "\n" not in str(caught.value)


def test_an_unknown_baseline_is_one_line(tiny):
    with pytest.raises(SweepError, match="--baseline fool"):
        plan_sweeps({"sweep": sweep(vary={"block": [12]}, baseline="fool")}, tiny)


def test_a_baseline_and_what_is_fixed_are_in_the_systems(tiny):
    planned = plan_sweeps({"s": sweep(vary={"block": [12]}, fixed={"nfe": 2}, baseline="full")}, tiny)
    assert [spec.name for spec in planned.systems] == ["full", "naive@nfe-2", "naive@block-12+nfe-2"]


def test_a_file_holds_several_sweeps_and_gives_back_what_was_written(tmp_path):
    file = tmp_path / "sweeps.toml"
    file.write_text(
        '[sweep.blocks]\nstrategy = "naive"\nvary = { block = "10:30:10" }\n'
        '[sweep.context]\nstrategy = ["window", "streamflow-sr"]\none_at_a_time = true\nbaseline = "full"\n'
        "[sweep.context.vary]\nback = [0, 4]\nahead = [0, 1]\n[sweep.context.fixed]\nnfe = 2\n"
    )
    found = read_sweeps(file)
    assert found["blocks"].axes[0].values == (10, 20, 30)
    assert found["context"].one_at_a_time and found["context"].fixed == {"nfe": 2}
    assert {name: Sweep.from_table(name, one.table()) for name, one in found.items()} == found


@pytest.mark.parametrize("text", ["", "[sweep]", "not toml", "sweep = 3"])
def test_a_file_without_a_sweep_is_one_line(tmp_path, text):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises((SweepError, AxisError), match=r"x\.toml"):
        read_sweeps(tmp_path / "x.toml")


def test_a_run_says_which_system_has_which_value_without_names_being_read():
    experiment = {
        "systems": {
            "a": {"strategy": "streamflow-sr"},
            "b": {"strategy": "streamflow-sr", "back": 4},
            "c": {"strategy": "naive", "block": 10},
            "other": {"strategy": "full"},
        },
        "sweep": {"s": {"strategy": ["streamflow-sr", "naive"], "vary": {"back": [4]}, "systems": ["a", "b", "c"]}},
    }
    described = {"systems": {"a": {"parameters": {"back": None}, "window": {"back": 2}}}}
    (swept,) = swept_runs(experiment, described)
    assert swept.values == {"a": {"back": 2}, "b": {"back": 4}, "c": {}}
    assert swept.defaults == {"streamflow-sr": "a", "naive": "c"}
    assert swept.axes[0].values == (2, 4)


def test_the_systems_of_a_run_that_is_there_stay(tiny, tmp_path):
    from harness.experiment import load_experiment

    first = plan_sweeps({"sweep": sweep(vary={"block": [12]})}, tiny)
    systems = {spec.name: spec.table() for spec in first.systems}
    made = load_experiment(None, corpus="x.csv", systems=systems, sweep=first.tables)
    write_bytes(RunFolder(tmp_path).path / "run.toml", made.to_toml().encode())
    wider = plan_sweeps({"sweep": sweep(vary={"block": [48], "crossfade": [0.0, 0.1]})}, tiny, tmp_path)
    assert {"naive@block-12", "naive@block-48", "naive@block-48+crossfade-0.1"} < {s.name for s in wider.systems}
    assert wider.tables["sweep"]["vary"] == {"block": [12, 48], "crossfade": [0.0, 0.1]}
    assert wider.kept == ["naive@block-12"]
