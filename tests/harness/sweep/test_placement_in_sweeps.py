"""Layers that look back or ahead as an axis: from the command line and files, said where weights know others, in lines."""

from __future__ import annotations

import pytest

from harness.experiment import load_experiment
from harness.new_run import comparison
from harness.sweep import Sweep, plan_sweeps, refuse_too_many, swept_runs
from harness.sweep.points import combinations
from harness.systems import SystemSpec, load_system, otherwise_trained
from reports.sweep_lines import lines_of, named
from reports.sweep_section import otherwise
from streamflow.errors import StreamflowError


def sweep(strategy="streamflow-sr", **table) -> Sweep:
    return Sweep.from_table("layers", {"strategy": strategy, **table})


def planned_run(sweep: Sweep, bundle):
    """What a run of the sweep would hold of it, without any sound."""
    planned = plan_sweeps({"layers": sweep}, bundle)
    described = {spec.name: load_system(spec, bundle).description for spec in planned.systems}
    experiment = {"systems": {spec.name: spec.table() for spec in planned.systems}, "sweep": planned.tables}
    (swept,) = swept_runs(experiment, {"systems": described})
    return planned, swept


@pytest.mark.parametrize("vary", ["0+1,no,trained", ["0+1", "no", "trained"], [[0, 1], [], "trained"]])
def test_layers_are_values_of_an_axis_however_they_are_written(tiny, vary):
    planned = plan_sweeps({"layers": sweep(vary={"backward": vary})}, tiny)
    names = ["streamflow-sr", "streamflow-sr@backward-0_1", "streamflow-sr@backward-no"]
    assert [spec.name for spec in planned.systems] == names
    assert [spec.parameters for spec in planned.systems] == [{}, {"backward": "0+1"}, {"backward": "no"}]


def test_a_file_fixes_layers_as_a_list(tiny):
    planned = plan_sweeps({"layers": sweep("window", vary={"forward": [0, 1]}, fixed={"backward": [0, 2]})}, tiny)
    assert [spec.parameters.get("backward") for spec in planned.systems] == ["0+2"] * 3
    assert [spec.parameters.get("forward") for spec in planned.systems] == [None, "0", "1"]


def test_a_layer_that_the_decoder_does_not_have_is_left_out_with_the_reason(tiny):
    planned = plan_sweeps({"layers": sweep(vary={"backward": "0+1,77"})}, tiny)
    assert "layer 77 of the attention pattern is not one of 0 to 5" in planned.left_out["streamflow-sr@backward-77"]


def test_points_whose_weights_were_trained_otherwise_are_told_of_before_and_in_the_run(tiny):
    planned, swept = planned_run(sweep(["streamflow-sr", "window"], vary={"backward": "0+1"}), tiny)
    own, full = planned.otherwise
    assert swept.otherwise["window@backward-0_1"] == "full attention" and len(swept.otherwise) == 2
    assert otherwise(swept)[1] == "1 point of window uses weights that were trained otherwise, with full attention"
    assert own.startswith(
        "streamflow-sr@backward-0_1 uses weights that were trained otherwise, with layers looking back"
    )
    assert full == "window@backward-0_1 uses weights that were trained otherwise, with full attention"
    many = otherwise_trained({f"s{i}": {"trained_otherwise": "x"} for i in range(5)})
    assert many == ["s0, s1, s2 and 2 more use weights that were trained otherwise, with x"]


def test_a_line_of_layers_takes_the_window_that_follows_them_along(tiny):
    """p is how many layers look back, and the window's history with it: no reason to leave a point out of the line."""
    wanted = sweep(vary={"backward": ["0+1+2", "no"], "back": [4]}, one_at_a_time=True)
    _, swept = planned_run(wanted, tiny)
    own = swept.values["streamflow-sr"]["backward"]
    (line,) = lines_of(swept, "backward")
    assert dict(zip(line.values, line.systems, strict=True)) == {
        own: "streamflow-sr", "0+1+2": "streamflow-sr@backward-0_1_2", "no": "streamflow-sr@backward-no",
    }  # fmt: skip
    assert [swept.values[system]["back"] for system in line.systems] == [len(own.split("+")), 3, 0]
    assert named(swept, "streamflow-sr@backward-no") == "streamflow-sr, backward no, back 0"


def test_a_block_that_the_strategy_chose_has_its_size_on_the_axis(tiny):
    _, swept = planned_run(sweep(vary={"block": [12, 16]}), tiny)
    assert swept.axes[0].values == (8, 12, 16)


def test_a_sweep_from_a_form_is_carried_out_as_a_sweep_and_its_file_is_read_back(tiny, make_corpus, tmp_path):
    planned = plan_sweeps({"layers": sweep(vary={"backward": "no"})}, tiny)
    systems = {spec.name: spec.table() for spec in planned.systems}
    wanted = load_experiment(None, corpus=make_corpus(1), systems=systems, sweep=planned.tables)
    argv = comparison(wanted, tmp_path, "new")
    assert argv[0] == "sweep"
    assert load_experiment(argv[2]).sweep.keys() == {"layers"}


def test_far_more_combinations_than_systems_are_refused_before_any_is_made():
    wanted = sweep("naive", vary={"block": "1:100", "nfe": "1:100", "crossfade": "0:0.2:0.001"})
    assert combinations(wanted) == 1 + 100 * 100 * 201
    with pytest.raises(StreamflowError, match="2010001 combinations are far more than 200"):
        refuse_too_many({"layers": wanted}, 200)


def test_compare_takes_layers_as_a_list_from_an_experiment_file(tiny):
    one = load_system(SystemSpec("a", strategy="streamflow-sr", parameters={"backward": [0, 1]}), tiny)
    assert [back for back, _ in one.description["pattern"]["layers"]] == [1, 1, 0, 0, 0, 0]
