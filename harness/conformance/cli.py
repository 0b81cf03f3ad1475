"""``streamflow conformance``: examine a decoder of one's own, or a strategy."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from streamflow.errors import StreamflowError

from .finding import FAILS

LEAST_S = 2.0  # an utterance must be longer than a decoder's window to tell anything


def conformance(
    decoder: Annotated[
        str, typer.Argument(help="package.module:attribute, a strategy, or NAME:STRATEGY,PARAMETER=VALUE.")
    ],
    corpus: Annotated[
        Path | None, typer.Option(help="Manifest whose first utterances are used. [the shipped corpus]")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="Whose tokenizer and speaker encoder are used.")] = "small",
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="The largest difference of samples that counts as none; more than 0 on GPUs.")
    ] = 0.0,
    look_ahead: Annotated[
        int | None,
        typer.Option(min=0, help="Tokens that must have come before the first sample. [as describe() declares]"),
    ] = None,
    only: Annotated[str | None, typer.Option(help="Checks by name, separated by commas. [all]")] = None,
    out: Annotated[Path | None, typer.Option("--json", help="Write the findings to this file too.")] = None,
) -> None:
    """Check that a streaming decoder keeps the session protocol: packing, interleaving, causality, cancel, end, cost.

    The exit code is 0 where everything holds that applies, 1 otherwise.

    Examples:

        streamflow conformance streamflow-sr

        streamflow conformance frozen:streamflow-sr,past=frozen

        streamflow conformance mine:Decoder --only packing,causality --look-ahead 12
    """
    from .run import CHECKS, check_conformance

    names = chosen(only, [check.name for check in CHECKS])
    subject = load_subject(decoder, corpus, checkpoint, tolerance, look_ahead)
    console, findings = Console(highlight=False), []
    table = Table("check", "", "found", title=decoder)
    with Console(stderr=True, highlight=False).status("loading") as status:
        for check in CHECKS:
            if names is None or check.name in names:
                status.update(f"{check.name}: {check.question}")
                findings += check_conformance(subject, [check.name])
    for finding in findings:
        table.add_row(finding.check, finding.verdict, finding.said)
    console.print(table)
    if out:
        out.write_text(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n", encoding="utf-8")
    failed = [finding.check for finding in findings if finding.verdict == FAILS]
    if failed:
        typer.echo(f"does not conform: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


def chosen(only: str | None, known: list[str]) -> list[str] | None:
    """The checks that were asked for, None for all.

    Raises:
        StreamflowError: one that does not exist.
    """
    from ..corpus import did_you_mean

    if only is None:
        return None
    names = [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise StreamflowError(f"no check {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    return names


def load_subject(decoder: str, corpus: Path | None, checkpoint: str, tolerance: float, look_ahead: int | None = None):
    """The decoder with two utterances of a corpus, at the checkpoint's rate of tokens.

    ``look_ahead`` tokens take the place of what it declares.

    Raises:
        StreamflowError: the decoder, the corpus or the checkpoint cannot be used.
    """
    from streamflow.audio import SAMPLE_RATE, load_audio
    from streamflow.checkpoints import load_bundle
    from streamflow.session import StreamRequest

    from ..corpus import SHIPPED, load_corpus
    from ..inputs import rate_of, speaker_of, tokens_of
    from ..manifest_tokens import check_columns
    from ..system_lines import parse_system_line
    from ..systems import SystemSpec, load_system
    from .driving import Subject

    bundle = load_bundle(checkpoint)
    if "," in decoder:
        spec = parse_system_line(decoder)
    else:
        spec = SystemSpec(decoder, object=decoder) if ":" in decoder else SystemSpec.parse(decoder)
    system = load_system(spec, bundle)
    rate, manifest = rate_of(bundle), load_corpus(corpus or SHIPPED)
    check_columns(manifest, bundle)
    latency = system.algorithmic_latency_s if look_ahead is None else look_ahead / rate
    whole = latency is None and "algorithmic_latency_s" in system.description
    requests = []
    for utterance in manifest.utterances:
        audio = load_audio(utterance.path)
        if len(audio) >= LEAST_S * SAMPLE_RATE:
            speaker, tokens = speaker_of(utterance, bundle, audio), tokens_of(utterance, bundle, audio)
            name = utterance.utterance_id
            requests.append(StreamRequest(name, speaker, 0, audio, audio, tokens, tokens_per_second=rate))
        if len(requests) == 2:
            return Subject(system.open, requests, latency, tolerance, whole)
    raise StreamflowError(f"{corpus}: fewer than two utterances of {LEAST_S:.0f} s or more; give another --corpus")
