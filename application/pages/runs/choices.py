"""What the runs page's lists offer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.gate.baseline import history
from streamflow.checkpoints import PRETRAINED
from streamflow.errors import StreamflowError

from ...site import Site

RUN, WEIGHTS, BASELINE = "run:", "weights:", "baseline:"  # what a choice is of, before its name


def run_names(site: Site) -> list[str]:
    """Runs that can be read, the newest first."""
    return [run.name for run in site.index.runs() if not run.problem]


def run_path(site: Site, name: str) -> Path:
    """The folder of a run of the list.

    Raises:
        StreamflowError: none of it.
    """
    if not name:
        raise StreamflowError("no run is chosen; choose one of the list")
    if name not in run_names(site):
        raise StreamflowError(f"{name}: not a run of {site.runs}; choose one of the list")
    return site.runs / name


def common(site: Site, what: str) -> list[tuple[str, str]]:
    """Values that runs have of a fact (corpus, checkpoint or systems), the most frequent first, with a way to take all."""
    counts: Counter[str] = Counter()
    for run in site.index.runs():
        value = getattr(run, what)
        counts.update([value] if isinstance(value, str) else value)
    return [("all", ""), *((f"{value} ({count})", value) for value, count in counts.most_common() if value)]


def manifests(site: Site) -> list[tuple[str, str]]:
    """Corpora that are here: the shipped one and those that runs were made of."""
    found = {str(site.corpus): f"{site.corpus.parent.name} ({site.corpus})"}
    for run in site.index.runs():
        path = (run.path / run.manifest).resolve() if run.manifest and run.kind == "decoded" else None
        if path is not None and path.is_file() and path != site.corpus.resolve():
            found.setdefault(str(path), f"{run.corpus.partition(',')[0]} ({path})")
    return [(name, path) for path, name in found.items()]


def checkpoints(site: Site) -> list[tuple[str, str]]:
    """Weights by name: the shipped ones, then those of the server's folder."""
    shipped = [(path.parent.name, path.parent.name) for path in sorted(PRETRAINED.glob("*/bundle.json"))]
    own = [(path.parent.name, str(path.parent)) for path in sorted(site.checkpoints.glob("*/bundle.json"))]
    return shipped + own


def candidates(site: Site) -> list[tuple[str, str]]:
    """What can be held against a baseline: runs, and weights to decode the baseline's experiment with."""
    runs = [(f"run {name}", RUN + name) for name in run_names(site)]
    return runs + [(f"weights {name} (decoded for it)", WEIGHTS + value) for name, value in checkpoints(site)]


def promoted(site: Site) -> list[tuple[str, dict]]:
    """Names of baselines with their last promotion, ``main`` first."""
    names = sorted(
        (path.parent.name for path in site.baselines.glob("*/history.jsonl")), key=lambda name: (name != "main", name)
    )
    found = []
    for name in names:
        try:
            entries = history(name, site.baselines)
        except StreamflowError:
            continue  # the gate says it when it is chosen
        found += [(name, entries[-1])] if entries else []
    return found


def baselines(site: Site) -> list[tuple[str, str]]:
    """What a candidate can be held against: promoted runs, then any other."""
    held = [
        (
            f"{name}, promoted {str(last.get('promoted', ''))[:10]} from {Path(str(last.get('run', ''))).name}",
            BASELINE + name,
        )
        for name, last in promoted(site)
    ]
    return held + [(f"run {name}", RUN + name) for name in run_names(site)]
