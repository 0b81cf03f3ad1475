"""The report as one HTML file, alone or with its pictures and tables beside it; it may load nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from harness.corpus import did_you_mean
from harness.run import RunError
from harness.storage import write_bytes
from reports import formatting, visual
from reports.comparison import Comparison
from reports.content import content_of
from reports.export import Collected
from reports.figures import to_json
from reports.joined import open_runs
from reports.media import Media, link
from reports.players import MOST_AUDIO_BYTES

STATIC = Path(__file__).parent / "static"
LINKED_PLAYERS, EMBEDDED_PLAYERS = 60, 24  # utterances: of each, what keeps a page of eight systems easy to open
MOST_SCORES = 500_000  # rows of scores.csv; the run's own table holds all


def write_report(
    runs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    embed: bool = False,
    baseline: str | None = None,
    margins: dict[str, float] | None = None,
    most_players: int | None = None,
    most_audio_bytes: int = MOST_AUDIO_BYTES,
) -> Path:
    """Write the report of a run, or of several side by side, and return where it is.

    Beside the page lie ``tables/`` (every table as CSV, LaTeX and Markdown) and ``media/`` (spectrograms); audio is
    linked where it lies in the run. With ``embed`` the page holds all of that and can be moved alone.

    Args:
        runs: the folder of a run, or several.
        out: the file to write, or a folder that is there; ``report/index.html`` in the (first) run by default.
        embed: put audio and pictures into the page.
        baseline: the system that the others are compared with; ``full`` by default, or the first decoder.
        margins: by metric, the largest difference that does not matter, instead of that of the gate's ready policy.
            A metric without one is never called equivalent.
        most_players: utterances that get players; which, and how many were left out, is said in the report.
        most_audio_bytes: of audio and pictures in the page; past it, utterances are left out too.

    Raises:
        StreamflowError: no run there, runs without a common utterance, or no such baseline.
        OSError: a file cannot be written. The page that was there before stays.
    """
    opened = open_runs(runs)
    out = Path(out) if out is not None else opened.path / "report" / "index.html"
    out = out / "index.html" if out.is_dir() else out
    comparison = Comparison(opened, baseline=baseline, margins=_margins(margins))
    _check_margins(margins or {}, comparison)
    beside = out.parent if out.name == "index.html" else out.parent / f"{out.stem}_files"
    media = Media(comparison) if embed else Media(comparison, out, beside / "media")
    most = most_players or (EMBEDDED_PLAYERS if embed else LINKED_PLAYERS)
    page = make_page(
        comparison, media, most_players=most, most_bytes=most_audio_bytes, beside=None if embed else beside
    )
    for path, text in page.files.items():
        write_bytes(path, text.encode("utf-8"))
    write_bytes(out, page.text.encode("utf-8"))
    media.finish()
    return out


def _margins(given: dict[str, float] | None) -> dict[str, float]:
    """The ready ones, with those that were given in their place; none at all for ``{}``."""
    return {} if given == {} else ready_margins() | (given or {})


def _check_margins(margins: dict[str, float], comparison: Comparison) -> None:
    """A mistyped name would take an equivalence test away without a word."""
    known = [metric.name for metric in comparison.metrics]
    for name in margins:
        if name not in known:
            raise RunError(f"margin of {name!r}: no such metric in the run{did_you_mean(name, known)}")


def ready_margins() -> dict[str, float]:
    """By metric: the largest difference that a listener is held not to mind, as the ready gate has it."""
    from harness.gate.policy import load_policy

    return {name: rule.margin for name, rule in load_policy().metrics.items()}


def render(comparison: Comparison, *, most_players: int = 24, most_audio_bytes: int = MOST_AUDIO_BYTES) -> str:
    """The page with everything in it, as text; the same run gives the same text."""
    return make_page(comparison, Media(comparison), most_players=most_players, most_bytes=most_audio_bytes).text


@dataclass(frozen=True, slots=True)
class Page:
    """The page, and the files that it links to."""

    text: str
    files: dict[Path, str]


def make_page(
    comparison: Comparison,
    media: Media,
    *,
    most_players: int,
    most_bytes: int,
    beside: Path | None = None,
) -> Page:
    """The page as text; ``beside`` is the folder of its tables, None where it has no files."""
    script = script_of("explorer.js")
    plotly = plain_script(get_plotlyjs())
    tables = Collected()
    environment = _environment()
    environment.globals["exports"] = tables
    content = content_of(comparison, media, most_players, most_bytes)
    context = content | {
        "style": visual.style() + (STATIC / "report.css").read_text(encoding="utf-8"),
        "script": script,
        "plotly": plotly,
        "policy": policy(script, plotly, linked=media.page is not None),
        "files": [],
    }
    template = environment.get_template("report.html.j2")
    text = template.render(context)
    if beside is None or media.page is None:
        return Page(text, {})
    files = _files(comparison, tables, content["paper"].text, beside / "tables")
    text = template.render(context | {"files": _links(files, media.page)})  # again: only now are the tables known
    return Page(text, files)


def _files(comparison: Comparison, tables: Collected, methods: str, folder: Path) -> dict[Path, str]:
    files = {folder / f"{name}.{kind}": text for name, texts in tables.texts.items() for kind, text in texts.items()}
    files[folder / "methods.txt"] = methods
    if 0 < len(comparison.all_scores) <= MOST_SCORES:
        files[folder / "scores.csv"] = scores_csv(comparison)
    return files


def scores_csv(comparison: Comparison) -> str:
    """A row a rendering (system, utterance, speaker, seed), a column a metric; empty where there is no value."""
    names = {metric.identity: metric.name for metric in comparison.metrics}
    rows = comparison.all_scores[comparison.all_scores["identity"].isin(names)]
    keys = ["system", "utterance", "speaker", "seed"]
    cells = rows.drop_duplicates([*keys, "identity"]).set_index([*keys, "identity"])["value"]
    wide = cells.unstack("identity", sort=False).reindex(columns=list(names)).rename(columns=names)
    return wide.dropna(how="all").to_csv(lineterminator="\r\n", float_format="%.8g")


def _links(files: dict[Path, str], page: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    """By file name without its suffix: (suffix, address) of each."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in files:
        found.setdefault(path.stem, []).append((path.suffix[1:], link(path, page)))
    return list(found.items())


def policy(*scripts: str, linked: bool = False) -> str:
    """A Content-Security-Policy under which only these scripts run and nothing is fetched, whatever a run contains.

    ``linked``: pictures and sound may come from files beside the page too, where it is opened from disk (``file:``) or
    served with its folder (``'self'``); never from another host.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    beside = " 'self' file:" if linked else ""
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:{beside}; "
        f"media-src data:{beside}; base-uri 'none'; form-action 'none'"
    )


def plain_script(source: str) -> str:
    """A script that no HTML parser ends early, as its hash in the policy needs it: newlines as parsers leave them."""
    source = re.sub(r"\r\n?", "\n", source)
    return re.sub(r"</(script)|<!--", lambda m: f"<\\/{m[1]}" if m[1] else "<\\!--", source, flags=re.IGNORECASE)


def script_of(*more: str) -> str:
    """The script of every page of ours, and what one of them has beside."""
    names = ("painting.js", "tables.js", "report.js", *more)
    return plain_script("\n".join((STATIC / name).read_text(encoding="utf-8") for name in names))


def to_text(content: object) -> str:
    """Nested notes as indented JSON, for people."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(to_json=to_json, to_text=to_text, exports=Collected())
    environment.filters.update(
        number=formatting.number, seconds=formatting.seconds, size=formatting.size, count=formatting.count
    )
    return environment
