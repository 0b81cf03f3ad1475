"""What the page of studies says, and the study file that follows from its form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.pages.studies.form import USUAL, changes_of, read
from application.pages.studies.listeners import describe, link_of
from application.pages.studies.monitor import watched
from application.pages.studies.page import missing, overview_html, overview_table, shown_of
from application.pages.studies.plan import USUAL as PLAN
from application.pages.studies.plan import planned
from application.pages.studies.simulate import begin, free_name, jobs_of
from application.pages.studies.tables import table
from application.site import Site
from harness.toml import dumps
from listening_tests.errors import StudyError
from listening_tests.study import Study
from listening_tests.workspace import Workspace

HOSTILE = "<img src=x onerror=alert(1)>"
names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)


@pytest.fixture
def own(tmp_path: Path) -> Site:
    (tmp_path / "runs").mkdir()
    return Site(workspace=Workspace(tmp_path, runs=tmp_path / "runs"), address="http://here/")


@given(
    st.fixed_dictionaries(
        {
            "protocol": st.sampled_from(["ab", "acr-quality", "mushra"]),
            "systems": st.lists(names, unique=True, min_size=1),
            "design.listeners": st.integers(1, 500),
            "access.invitation": st.booleans(),
            "analysis.margin": st.floats(0, 1).map(lambda x: round(x, 3)),
            "title": st.text(max_size=30),
        }
    )
)
def test_a_form_comes_back_from_its_address(form: dict[str, Any]) -> None:
    texts = {  # as JavaScript writes them
        name: ",".join(value)
        if isinstance(value, list)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in form.items()
    }
    assert {name: read(name, text) for name, text in texts.items()} == form


@given(st.sampled_from(list(USUAL)), st.text(max_size=40))
def test_no_address_breaks_the_form(name: str, text: str) -> None:
    value = read(name, text)
    assert isinstance(value, list if isinstance(USUAL[name], tuple) else (type(USUAL[name]), float))


def test_the_usual_form_leaves_everything_to_the_study_file() -> None:
    changes = changes_of({**USUAL, "systems": ["a", "b"], "title": " Which? "})
    assert changes["design.trials"] is None and changes["analysis.margin"] is None and changes["recruitment"] is None
    assert changes["title"] == "Which?" and changes["systems"] == ("a", "b")
    assert not {"run", "name", "sentences", "more"} & set(changes)


def test_anything_else_of_the_study_file_goes_before_the_fields() -> None:
    more = dumps({"break_every": 5, "exclusion": {"failed_traps": 0.25}, "consent": {"text": {"en": "Yes?"}}})
    changes = changes_of({**USUAL, "more": more})
    assert changes["break_every"] == 5 and changes["exclusion.failed_traps"] == 0.25
    assert changes["consent.text.en"] == "Yes?"
    with pytest.raises(StudyError, match="not readable as TOML"):
        changes_of({**USUAL, "more": "break_every = "})


@pytest.mark.parametrize(
    ("said", "studies", "shown"),
    [
        ({}, [], (None, "new")),
        ({}, ["a", "b"], ("a", "listeners")),
        ({"study": "b", "tab": "results"}, ["a", "b"], ("b", "results")),
        ({"study": "../c", "tab": "nonsense"}, ["a"], (None, "listeners")),
        ({"study": "gone"}, [], (None, "new")),
        ({"study": "", "tab": "results"}, ["a"], ("a", "results")),
        ({"tab": "plan"}, [], (None, "plan")),
        ({"tab": "monitor"}, [], (None, "new")),
    ],
)
def test_an_address_names_a_study_and_a_tab(said: dict[str, str], studies: list[str], shown: tuple) -> None:
    assert shown_of(said, studies) == shown


def test_an_address_of_a_study_that_is_not_there_says_so(own: Site) -> None:
    said = missing(own, {"study": f"gone {HOSTILE}"}, ["first"])
    assert "no study gone" in said and str(own.workspace.folder) in said and "choose one above" in said
    assert HOSTILE not in said and said.count("<p") == 1
    assert "none yet" in missing(own, {"study": "gone"}, [])
    assert missing(own, {"study": "first"}, ["first"]) == missing(own, {}, []) == ""


def test_a_study_is_described_from_draft_to_open(own: Site, make_study: Callable[..., Any]) -> None:
    make_study("first", title=f"How good? {HOSTILE}")
    assert "draft" in describe(own, "first") and HOSTILE not in describe(own, "first")
    assert link_of(own, "first") == "" and "not been opened" in watched(own, "first")
    opened = own.workspace.open("first")
    assert "0 of 24 complete" in describe(own, "first")
    assert link_of(own, "first") == f"http://here/s/{opened.token}"
    assert "width of the intervals (blind)" in watched(own, "first")
    assert 'href="studies?study=first"' in overview_html(own.workspace)
    assert overview_table(own.workspace).loc[0, "state"] == "open"


def test_a_study_that_cannot_be_read_says_why(own: Site, make_study: Callable[..., Any]) -> None:
    _, folder = make_study("first")
    own.workspace.open("first").store.close()
    (folder / "study.toml").write_text("title = ")
    fresh = Site(workspace=Workspace(folder.parent, runs=own.runs), address="http://here")
    for said in (describe(fresh, "first"), watched(fresh, "first")):
        assert "cannot be read" in said and "study.toml" in said
    assert link_of(fresh, "first") == ""
    assert "study.toml" in overview_table(fresh.workspace).loc[0, "state"]


def test_simulated_ratings_are_called_that(own: Site, make_study: Callable[..., Any]) -> None:
    make_study("tried", simulated=True)
    own.workspace.open("tried")
    assert overview_table(own.workspace).loc[0, "state"] == "open (simulated)"
    assert "nobody's" in describe(own, "tried")


def test_a_copy_for_simulated_listeners_takes_no_name_that_is_there(own: Site, make_study: Callable[..., Any]) -> None:
    make_study("first")
    assert free_name(own, "first") == "first-simulated"
    make_study("first-simulated")
    assert free_name(own, "first") == "first-simulated2"
    with pytest.raises(StudyError, match="no listeners"):
        begin(own, "first", {"honest": 0})
    with pytest.raises(StudyError, match="not a study"):
        begin(own, "../first", {"honest": 1})
    assert jobs_of(own, "first") == ""


def test_a_plan_says_what_it_takes_or_why_nothing_would_do(own: Site) -> None:
    said, figure, below = planned(own, *PLAN.values())
    assert "listeners" in said and "data-plot" in figure and "Other ways" in below
    said, figure, below = planned(own, *{**PLAN, "difference": 0.05, "sentences": 8}.values())
    assert "cannot resolve 0.05 points" in said and "data-plot" not in figure and below == ""
    assert "longer than overhead_min" in planned(own, *{**PLAN, "longest": 0}.values())[0]
    assert "not a study" in planned(own, *{**PLAN, "pilot": "../x"}.values())[0]


def test_tables_show_names_as_text(own: Site) -> None:
    shown = table(HOSTILE, [{"study": HOSTILE, "n": 3}], {HOSTILE: f'x?"{HOSTILE}'})
    assert HOSTILE not in shown and 'class="number"' in shown
    assert "nothing yet" in table("Empty", [])


def test_the_file_of_the_form_is_a_study() -> None:
    changes = {name: value for name, value in changes_of(USUAL).items() if value is not None}
    nested: dict[str, Any] = {"title": "Which?", "systems": ["a", "b"]}
    for name, value in changes.items():
        *parents, last = name.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = list(value) if isinstance(value, tuple) else value
    assert Study.from_table(nested).design.listeners == 24
