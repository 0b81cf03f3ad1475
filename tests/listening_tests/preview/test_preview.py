"""What an administrator is shown before there are listeners is what listeners get, and nothing of it stays."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from listening_tests.errors import AnswerError, StudyError
from listening_tests.preview import Previews, Walk, preview_of_form, preview_of_study
from listening_tests.preview.making import MOST, shortened
from listening_tests.protocols import REGISTRY
from listening_tests.simulation.answers import answer_step
from listening_tests.simulation.behaviour import Behaviour
from listening_tests.simulation.qualities import spaced_qualities, with_fixed

SYSTEMS = ("full", "secretstream")
EVERYTHING = {
    "screening.training": 5, "screening.traps": 4, "screening.repeats": 3, "screening.headphones": ("woods", "milne"),
    "questions": ("age_group",),
}  # fmt: skip


def form(protocol: str, **changes: Any) -> dict[str, Any]:
    systems = ("secretstream", "naive") if REGISTRY[protocol].needs & {"offline", "seams"} else SYSTEMS
    identical = 2 if REGISTRY[protocol].catches_identical else 0
    return {**EVERYTHING, "protocol": protocol, "systems": systems, "screening.identical": identical, **changes}


def listener_of(walk: Walk) -> Behaviour:
    return Behaviour("honest", with_fixed(spaced_qualities(walk.study.systems)), 1)


@pytest.mark.parametrize("protocol", REGISTRY)
def test_every_trial_type_is_walked_through_with_its_real_sounds(protocol: str, run: Path) -> None:
    walk = preview_of_form(run, form(protocol))
    names = [place["name"] for place in walk.places()]
    wanted = ["Consent", "Questions", "Volume", "Headphones (Woods)", "Headphones (Milne)", "Practice", "Trial", "Break",
              "Repeat", "Trap", "Comments", "The end"]  # fmt: skip
    assert set(wanted) <= set(names) and ("Identical pair" in names) == REGISTRY[protocol].catches_identical
    listener, seen = listener_of(walk), 0
    while "step" in (step := walk.present()):
        said = json.dumps(step)
        assert not any(system in said for system in walk.study.systems) and "secret" not in step
        for sound in step["stimuli"]:
            samples, rate = soundfile.read(io.BytesIO(walk.sound(sound["url"].removeprefix("a/"))))
            assert len(samples) / rate == pytest.approx(sound["seconds"], abs=1e-3) and samples.any()
        listened = {sound["label"]: [[0, sound["seconds"]]] for sound in step["stimuli"]}
        answer = answer_step(listener, walk.steps[walk.position])
        walk.answer({"client_id": "x", "step": step["step"], "answer": answer, "listened": listened})
        seen += 1
    assert seen == len(walk.steps) and walk.present()["completion"] == {"code": "PREVIEW", "return_url": ""}
    walk.close()


def test_an_answer_takes_listening_unless_it_is_switched_off(run: Path) -> None:
    walk = preview_of_form(run, form("acr-quality"))
    walk.go(next(place["position"] for place in walk.places() if place["name"] == "Trial"))
    answer = {"client_id": "x", "step": walk.present()["step"], "answer": {"value": 4}, "listened": {}}
    with pytest.raises(AnswerError, match="please listen"):
        walk.answer(answer)
    walk.quick = True
    assert walk.present()["listening"] == {"coverage": 0.0}
    assert walk.answer(answer)["saved"]
    with pytest.raises(AnswerError, match="not the screen"):
        walk.answer(answer)
    with pytest.raises(AnswerError, match="no screen"):
        walk.go(len(walk.steps) + 1)
    walk.close()


def test_a_study_that_is_there_is_shown_as_its_first_listener_gets_it(
    make_study: Callable[..., tuple[Any, Path]],
) -> None:
    _, folder = make_study(protocol="ab", screening={"traps": 1, "training": 0})
    before = sorted(path.name for path in folder.rglob("*"))
    walk = preview_of_study(folder)
    walk.go(next(place["position"] for place in walk.places() if place["name"] == "Trap"))
    assert "beeps: 3" in walk.behind()["facts"]
    assert sorted(path.name for path in folder.rglob("*")) == before
    walk.close()
    assert folder.is_dir()


def test_a_screened_out_listener_gets_the_code_for_that(make_study: Callable[..., tuple[Any, Path]]) -> None:
    _, folder = make_study(completion={"code": "C0DE", "screened_out_code": "OUT"})
    walk = preview_of_study(folder)
    walk.go(len(walk.steps))
    assert walk.present()["completion"]["code"] == "C0DE"
    walk.go(len(walk.steps), "screened_out")
    assert walk.present()["completion"]["code"] == "OUT" and "done" not in walk.present()


def test_what_was_made_for_a_preview_goes_with_it(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    walk = preview_of_form(run, form("ab"))
    assert walk.temporary.parent == tmp_path and list(walk.temporary.rglob("*.wav"))
    Previews(kept=1).add(walk)
    walk.close()
    with pytest.raises(StudyError):
        preview_of_form(run, form("ab", systems=("full",)))
    assert list(tmp_path.iterdir()) == []


@given(st.dictionaries(st.sampled_from([*MOST, "break_every", "design.trials"]), st.none() | st.integers(0, 50)))
def test_a_form_is_only_made_shorter(changes: dict[str, Any]) -> None:
    short = shortened(changes)
    for name in MOST:
        asked = changes.get(name)
        assert short.get(name) == asked if asked is None else short[name] == min(asked, MOST[name])
    assert (short["break_every"] == 0) == (changes.get("break_every") == 0) and short["design.trials"] is None


class Paper:
    """Stands in a list of previews; knows whether it was thrown away."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


@settings(max_examples=60)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["add", "get", "wait"]), st.integers(0, 9)), max_size=40),
    kept=st.integers(1, 4),
)
def test_of_many_previews_those_looked_at_last_are_kept_and_each_other_is_closed_once(steps: list, kept: int) -> None:
    now, previews = [0.0], None
    previews = Previews(kept=kept, lifetime_s=10, clock=lambda: now[0])
    made: list[tuple[str, Paper]] = []
    live: dict[str, float] = {}  # name -> last look, the oldest first
    for what, number in steps:
        if what == "wait":
            now[0] += number
        live = {name: seen for name, seen in live.items() if now[0] - seen <= 10}
        if what == "add":
            paper = Paper()
            made.append((previews.add(paper), paper))
            live[made[-1][0]] = now[0]
            while len(live) > kept:
                live.pop(next(iter(live)))
        elif what == "get" and made:
            name, paper = made[number % len(made)]
            found = previews.get(name)
            assert found is (paper if name in live else None)
            if name in live:
                live.pop(name)
                live[name] = now[0]
    previews.close()
    assert [paper.closed for _, paper in made] == [1] * len(made)
    assert previews.get("guess") is None
