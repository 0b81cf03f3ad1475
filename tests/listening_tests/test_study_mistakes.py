"""``streamflow study`` with wrong input: one line that says the remedy, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.cli import app
from listening_tests.cells import cell_text
from listening_tests.opening import open_study


def study(*given: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["study", *map(str, given)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--quality", "alpha=x,beta=2,gamma=2"], "not NAME=NUMBER"),
        (["--quality", "alpha=4"], "no value for"),
        (["--honest", 0, "--lazy", 0, "--bot", 0], "no listeners"),
    ],
)
def test_a_simulation_that_cannot_be_leaves_no_copy(make_study, tmp_path, more, says):
    _, folder = make_study()
    code, said = study("simulate", folder, "--out", tmp_path / "copy", *more)
    assert code == 2 and says in said and not (tmp_path / "copy").exists()


def test_an_invitation_without_a_scheme_would_be_no_link(make_study):
    _, folder = make_study()
    open_study(folder)
    code, said = study("invite", folder, "--address", "listen.example.org")
    assert code == 2 and "https://" in said
    assert study("invite", folder, "--address", "https://listen.example.org")[1].startswith(
        "https://listen.example.org/s/"
    )


def test_a_pilot_must_show_a_spread(make_study):
    _, folder = make_study()
    open_study(folder)
    code, said = study("plan", "--pilot", folder)
    assert code == 2 and "0 listeners" in said and "a pilot takes 4 listeners" in said


def test_comparisons_are_no_pilot_of_ratings(make_study):
    _, folder = make_study(protocol="ccr")
    open_study(folder)
    code, said = study("plan", "--pilot", folder)
    assert code == 2 and "ccr has no ratings of single systems" in said


def test_a_p_value_is_never_shown_as_zero():
    assert cell_text(1e-12, "p_holm") == "<0.001" and cell_text(0.0124, "p_value") == "0.012"
    assert cell_text(np.nan, "p_value") == "–" and cell_text(True) == "yes"
