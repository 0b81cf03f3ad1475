"""A study that listeners are in the middle of outlives an upgrade of the code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.storage import key_of
from listening_tests.errors import StudyError
from listening_tests.opening import load_open_study, open_study
from listening_tests.stimuli.stimulus_set import StimulusSet


@pytest.fixture()
def frozen_before(make_study: Callable[..., Any]) -> Path:
    """A study that a version froze which did not know ``[exclusion]`` and ``break_every``."""
    study, folder = make_study(break_every=20)
    old = {name: value for name, value in study.table().items() if name not in ("exclusion", "break_every")}
    frozen = {"study": key_of(old), "table": old, "stimuli_digest": StimulusSet(folder).digest(), "stimuli": {}}
    (folder / "frozen.json").write_text(json.dumps(frozen))
    lines = (folder / "study.toml").read_text().splitlines()
    (folder / "study.toml").write_text("\n".join(line for line in lines if not line.startswith("break_every")))
    return folder


def test_keys_that_a_newer_version_added_do_not_change_a_frozen_study(frozen_before: Path) -> None:
    first = open_study(frozen_before)
    again = load_open_study(frozen_before)
    assert (again.token, again.identity) == (first.token, first.identity)
    first.store.close()
    again.store.close()


@pytest.mark.parametrize(
    ("old", "new"), [("coverage = 0.99", "coverage = 0.5"), ("failed_traps = 0.5", "failed_traps = 0.9")]
)
def test_a_rule_that_was_changed_afterwards_is_seen_known_then_or_not(frozen_before: Path, old: str, new: str) -> None:
    open_study(frozen_before).store.close()
    file = frozen_before / "study.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(StudyError, match="has changed"):
        load_open_study(frozen_before)


@pytest.mark.parametrize("damage", [{"table": None}, {"table": []}, {"table": {"protocol": "no"}}, {"study": None}])
def test_a_damaged_frozen_file_opens_nothing(frozen_before: Path, damage: dict[str, Any]) -> None:
    kept = json.loads((frozen_before / "frozen.json").read_text())
    (frozen_before / "frozen.json").write_text(json.dumps(kept | damage))
    with pytest.raises(StudyError, match="has changed"):
        load_open_study(frozen_before)
