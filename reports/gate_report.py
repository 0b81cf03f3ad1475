"""A gate as one HTML file: the verdict, why, and the audio of what fell; it loads nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.gate.checks import Check, figure
from harness.gate.outcome import GateResult
from harness.gate.policy import trim_for
from harness.run import Run, RunError
from harness.storage import write_bytes
from reports import visual, waveform
from reports.formatting import count
from reports.gate_players import MOST_AUDIO_BYTES, MOST_UTTERANCES, fallen
from reports.html import STATIC, _environment, policy, script_of
from reports.methods import Fact

WIDTH, HEIGHT = 160, 18  # of an interval's picture
SPAN = 3.0  # margins to either side of no difference that it shows
KINDS = {
    "quality": "Quality: candidate minus baseline, below 0 is worse",
    "tail": "Tails: utterances that fell far",
    "rendered": "Renderings",
    "latency": "Latency: candidate to baseline",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A check as the table shows it; ``remark`` stands below it, ``picture`` says where its interval lies, in px."""

    check: Check
    estimate: str
    bounds: str
    margin: str
    p: str
    tone: str
    remark: str
    picture: dict[str, float] | None


def write_gate_report(
    result: GateResult,
    baseline: str | Path,
    candidate: str | Path,
    out: str | Path,
    *,
    most_utterances: int = MOST_UTTERANCES,
    most_audio_bytes: int = MOST_AUDIO_BYTES,
) -> Path:
    """Write the page and return where it is.

    Args:
        result: of the gate; one that is BROKEN has a page too.
        baseline, candidate: the runs.
        out: the file.
        most_utterances: with players; the rest of what fell is linked.
        most_audio_bytes: of audio and pictures in the page.

    Raises:
        OSError: the file cannot be written; what was there before stays.
    """
    out = Path(out)
    page = render_gate(result, baseline, candidate, out, most_utterances, most_audio_bytes)
    write_bytes(out, page.encode("utf-8"))
    return out


def render_gate(
    result: GateResult,
    baseline: str | Path,
    candidate: str | Path,
    out: Path,
    most_utterances: int = MOST_UTTERANCES,
    most_audio_bytes: int = MOST_AUDIO_BYTES,
) -> str:
    """The page as text; the same result gives the same text."""
    try:
        shown, linked = fallen(result, Run(baseline), Run(candidate), out, most_utterances, most_audio_bytes)
    except RunError:  # broken for that very reason
        shown, linked = [], []
    script = script_of()
    context = {
        "result": result,
        "facts": facts(result),
        "groups": groups(result),
        "shown": shown,
        "linked": linked,
        "far": sum(fall.far for fall in result.regressions),
        "methods": methods(result),
        "provenance": {"baseline": _provenance(baseline), "candidate": _provenance(candidate)},
        "wave_width": waveform.WIDTH,
        "wave_height": waveform.HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "several": len({check.system for check in result.checks}) > 1,
        "style": visual.style() + "".join((STATIC / name).read_text("utf-8") for name in ("report.css", "gate.css")),
        "script": script,
        "policy": policy(script),
    }
    return _environment().get_template("gate.html.j2").render(context)


def facts(result: GateResult) -> list[Fact]:
    """The header's lines."""
    found = [Fact("candidate", result.candidate), Fact("baseline", result.baseline)]
    if counts := result.counts:
        found.append(
            Fact("compared", f"{count(counts['utterances'], 'utterance')}, {count(counts['speakers'], 'speaker')}")
        )
        old, new = (", ".join(map(str, counts["seeds"][side])) for side in ("baseline", "candidate"))
        found.append(Fact("seeds", new if old == new else f"{new}; the baseline's {old}"))
    found.append(Fact("policy", str(result.policy.get("name", ""))))
    found.append(Fact("written", result.created))
    return found


def groups(result: GateResult) -> list[tuple[str, list[Row]]]:
    """The checks by kind, each with its title."""
    return [
        (title, [_row(check) for check in result.checks if check.kind == kind])
        for kind, title in KINDS.items()
        if any(check.kind == kind for check in result.checks)
    ]


def _row(check: Check) -> Row:
    signed = check.kind == "quality"
    bounds = "–" if check.low is None else f"{figure(check.low, signed)} to {figure(check.high, signed)}"
    tone = {"PASS": "better", "FAIL": "worse"}.get(check.verdict, "") if check.must != "report" else ""
    return Row(
        check=check,
        estimate=figure(check.estimate, signed),
        bounds=bounds,
        margin=figure(check.margin, False),
        p=figure(check.p_holm, False),
        tone=tone,
        remark=_remark(check),
        picture=interval_picture(check) if signed else None,
    )


def _remark(check: Check) -> str:
    wanted = check.deciding_n
    number = f"{wanted} utterances would decide if the difference stays what it is" if wanted else ""
    return "; ".join(filter(None, [check.note, number]))


def interval_picture(check: Check) -> dict[str, float] | None:
    """Where estimate, bounds, no difference and the margin lie across the picture, px; None without bounds."""
    if check.low is None or check.high is None:
        return None

    def across(value: float) -> float:
        margins = min(max(value / check.margin, -SPAN), SPAN)
        return round((margins + SPAN) / (2 * SPAN) * (WIDTH - 8) + 4, 1)

    return {
        "low": across(check.low),
        "high": across(check.high),
        "at": across(check.estimate),
        "zero": across(0.0),
        "margin": across(-check.margin),
    }


def methods(result: GateResult) -> list[str]:
    """How it was decided, as paragraphs."""
    rules = result.policy
    level = float(rules.get("level", 0.95))
    clustered = "clustered by speaker" if rules.get("clusters") == "speaker" else "with utterances as independent"
    found = [
        "Scores of both runs are paired by utterance and seed, and averaged over seeds within the utterance first. Differences "
        "are oriented so that below 0 is worse. "
        f"{_averages(result)} has a Yuen interval, {clustered}. A metric passes if its lower bound (one-sided, "
        f"{level:.0%}) lies above minus the margin, fails if the upper one lies below it, and is otherwise inconclusive; the "
        "margin is never widened to what the data could show.",
        "Every metric has to pass, so that passing needs no correction; a failure counts only if it survives Holm's "
        "correction over all quality checks on this page.",
    ]
    if tail := rules.get("tail"):
        found.append(
            f"Trimming hides what happens to a few utterances. At most {float(tail['share']):.0%} of them, and always one, may "
            f"fall by more than {float(tail['margins']):g} margins of a metric{_tails(result)}."
        )
    found.append(_calibration_text(result))
    if any(check.kind == "latency" for check in result.checks):
        found.append(
            "Latency is the ratio of the candidate to the baseline. It decides where both were decoded in turn (A-B-B-A) in "
            "one process; ratios of two separate recordings are reported only, unless the policy says otherwise."
        )
    return found


def _averages(result: GateResult) -> str:
    """Which average each metric is judged by: trimmed means and means do not tell the same of one utterance."""
    rules = result.policy.get("metrics") or {}
    names: dict[float, list[str]] = {}
    for metric in dict.fromkeys(check.metric for check in result.checks if check.kind == "quality"):
        own = (rules.get(metric) or {}).get("trim")
        names.setdefault(trim_for(metric, own, result.policy.get("trim")), []).append(metric)
    if not names:
        return "Their mean"
    called = {trim: f"{trim:.0%} trimmed mean" if trim else "mean" for trim in names}
    alone = len(names) == 1
    texts = [called[trim] + ("" if alone else f" ({', '.join(of)})") for trim, of in names.items()]
    return f"Their {' or '.join(texts)}"


def _tails(result: GateResult) -> str:
    """The metrics on the page that have a limit of their own."""
    rules, shown = result.policy.get("metrics") or {}, {check.metric for check in result.checks}
    own = {name: rule.get("tail_margins") for name, rule in rules.items() if name in shown}
    return "".join(f", {limit:g} of {name}" for name, limit in own.items() if limit is not None)


def _calibration_text(result: GateResult) -> str:
    found = result.calibration
    if found is None or found.status == "off":
        return "The gate was not calibrated against itself."
    if found.status == "not possible":
        return "The gate was not calibrated against itself, as the baseline has one seed."
    text = (
        f"Calibration: the baseline's seeds were split against each other in {count(found.splits, 'way')}, both ways "
        f"round, scaled to the noise of this comparison; {found.passed:.0%} passed in every metric"
    )
    return f"{text}, and none failed." if found.status == "passed" else f"{text}. {' '.join(found.problems)}."


def _provenance(run: str | Path) -> Any:
    try:
        return Run(run).provenance
    except RunError as error:
        return str(error)
