"""Something to look at on a fresh machine: a small run of the shipped corpus and a study of it, made in the background."""

from __future__ import annotations

from .site import Site

NAME = "demo"
SYSTEMS = "copy-synthesis,full,naive,streamflow-sr"
UTTERANCES = 4


def start_demo(site: Site) -> list[str]:
    """Start what is missing of the run ``demo`` and the open study ``demo``; returns the ids of the jobs.

    The jobs wait for each other, and the pages show them. What is there is left as it is, and what was interrupted is taken
    up again.
    """
    run, study = site.runs / NAME, site.workspace.folder / NAME
    wanted: list[tuple[list[str], str]] = []
    if not (run / "report" / "index.html").is_file():
        argv = ["compare", "--corpus", str(site.corpus), "--systems", SYSTEMS, "--limit", str(UTTERANCES)]
        wanted.append(([*argv, "--jobs", "1", "--out", str(run)], "Demo: decode and score four sentences"))
    if not (study / "study.toml").is_file():
        argv = ["study", "create", "--run", str(run), "--title", "How natural does this sound?", "--listeners", "6"]
        wanted.append(([*argv, "--out", str(study)], "Demo: make a listening test"))
    if not (study / "frozen.json").is_file():
        argv = ["study", "open", str(study)]
        argv += ["--database", site.workspace.database] if site.workspace.database else []
        wanted.append((argv, "Demo: open the listening test"))
    going = {tuple(job.argv) for job in site.jobs.active()}
    return [site.jobs.start(argv, title) for argv, title in wanted if tuple(argv) not in going]
