"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.experiment import load_experiment
from harness.run import Run

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_the_decoder_of_15_lines_plugs_in_and_is_of_15_lines(tmp_path):
    code = re.search(r"```python\n# mine\.py\n(.*?)```", README, re.S)[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    (tmp_path / "mine.py").write_text(code)
    corpus = ROOT / "corpora" / "shipped" / "manifest.csv"
    command = [sys.executable, "-c", "from harness.cli import app; app()", "compare", "--corpus", str(corpus)]
    command += ["--systems", "mine=mine:Decoder", "--limit", "1", "--metrics", "stoi", "--out", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run = Run(tmp_path / "run")
    assert run.systems == ["mine"] and len(run.failures()) == 0
    assert len(run.audio("mine", run.utterances[0]["utterance_id"])) > 16_000


def test_the_experiment_file_is_one(tmp_path):
    text = re.search(r"    # hops\.toml\n((?:    .*\n)+)", README)[1]
    path = tmp_path / "hops.toml"
    path.write_text(re.sub(r"^    ", "", text, flags=re.M).replace("corpora/", f"{ROOT}/corpora/"))
    systems = load_experiment(path).systems
    assert [s.name for s in systems] == ["hop1", "hop3"] and systems[1].parameters == {"hop": 3}


@pytest.mark.parametrize("link", re.findall(r"\]\(([\w/.-]+)\)", README))
def test_what_the_readme_links_to_is_there(link):
    assert (ROOT / link).exists()
