"""Measure what a gate must hold: the same weights with other seeds pass, weights with noise added do not.

    python tools/verify_gate.py --out runs/verify-gate                     # decodes 12 seeds and 3 noisy checkpoints
    python tools/verify_gate.py --out runs/verify-gate --seeds 12 --arm 3 --pairs 100 --noise 0.05,0.1,0.2

Real decodes of the shipped corpus with the shipped weights, which are kept in OUT, so that a second start only gates.
An arm is `--arm` of the seeds; two disjoint arms, drawn at random (seed 0), are the baseline and the candidate. For
noise, Gaussian noise is added to every matrix of the decoder, of that many times the matrix's own standard deviation.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from safetensors.torch import load_file, save_file

from harness import toml
from harness.compare import compare
from harness.experiment import Experiment
from harness.gate.evaluate import evaluate
from harness.gate.outcome import GateResult
from harness.gate.policy import Policy, load_policy
from harness.run import COLUMNS, Run
from harness.storage import write_bytes
from harness.systems import parse_systems
from streamflow.checkpoints import load_bundle

CORPUS = Path(__file__).parents[1] / "corpora" / "shipped" / "manifest.csv"
GATED = ("pesq_wb", "estoi", "speaker_similarity", "mel_distance", "f0_median_cents", "voicing_error")


def decode(
    out: Path,
    system: str,
    checkpoint: str,
    seeds: Sequence[int],
    metrics: Sequence[str] = GATED,
    limit: int | None = None,
) -> Path:
    """A run of the shipped corpus; what is there is kept."""
    experiment = Experiment(
        corpus=CORPUS,
        systems=parse_systems(system),
        checkpoint=checkpoint,
        seeds=tuple(seeds),
        metrics=tuple(metrics),
        limit=limit,
    )
    compare(experiment, out, jobs=1, console=Console(stderr=True))
    return out


def with_noise(folder: Path, amount: float, seed: int = 0) -> Path:
    """A copy of the shipped checkpoint whose decoder's matrices carry noise of ``amount`` standard deviations."""
    source = load_bundle("small").directory
    if folder.is_dir():
        return folder
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)
    state = load_file(partial / "decoder.safetensors")
    generator = torch.Generator().manual_seed(seed)
    for name, value in sorted(state.items()):
        if value.is_floating_point() and value.ndim >= 2:
            noise = torch.randn(value.shape, generator=generator) * value.float().std() * amount
            state[name] = (value.float() + noise).to(value.dtype).contiguous()
    save_file(state, partial / "decoder.safetensors")
    partial.rename(folder)
    return folder


def arm(run: Path, seeds: Sequence[int], out: Path) -> Path:
    """The part of a run that some of its seeds are: its tables, no audio."""
    source = Run(run)
    shutil.rmtree(out, ignore_errors=True)
    for name in ("provenance.json", "utterances.json"):
        write_bytes(out / name, (run / name).read_bytes())
    write_bytes(out / "run.toml", toml.dumps({**source.experiment, "seeds": list(seeds)}).encode())
    for name in COLUMNS:
        table = getattr(source, name)()
        kept = table[table["seed"].isin(list(seeds))] if "seed" in table else table
        write_bytes(out / f"{name}.parquet", kept.to_parquet(index=False))
    return out


def same_weights(run: Path, out: Path, policy: Policy, size: int, pairs: int) -> list[GateResult]:
    """Gate disjoint arms of one run against each other."""
    seeds, draw = list(Run(run).seeds), random.Random(0)
    results = []
    for _ in range(pairs):
        chosen = draw.sample(seeds, 2 * size)
        sides = [arm(run, part, out / name) for name, part in (("a", chosen[:size]), ("b", chosen[size:]))]
        results.append(evaluate(*sides, policy))
    return results


def describe(title: str, results: Sequence[GateResult]) -> dict:
    """Verdicts, and what held back those that did not pass."""
    verdicts = Counter(result.verdict for result in results)
    holding = Counter(check.name for result in results for check in result.holding)
    print(f"{title}: {dict(verdicts)}" + (f"; held back by {dict(holding)}" if holding else ""))
    return {"title": title, "verdicts": dict(verdicts), "held_back_by": dict(holding)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for runs, checkpoints and results.json")
    parser.add_argument("--system", default="full", help="strategy to decode with")
    parser.add_argument("--seeds", type=int, default=12, help="of the shipped weights")
    parser.add_argument("--arm", default="1,2,3", help="seeds of either side, separated by commas")
    parser.add_argument("--pairs", type=int, default=100, help="of arms, for each size")
    parser.add_argument("--noise", default="0.05,0.1,0.2", help="in standard deviations of each matrix")
    parser.add_argument("--policy", default="default")
    given = parser.parse_args()
    policy = load_policy(given.policy)
    found = []
    run = decode(given.out / "same", given.system, "small", range(given.seeds))
    for size in map(int, given.arm.split(",")):
        results = same_weights(run, given.out / "arms", replace(policy, seeds="any"), size, given.pairs)
        found.append(describe(f"same weights, {size} seeds a side", results))
    three = arm(run, range(3), given.out / "arms" / "three")
    for amount in filter(None, given.noise.split(",")):
        checkpoint = with_noise(given.out / f"noise-{amount}", float(amount))
        noisy = decode(given.out / f"noisy-{amount}", given.system, str(checkpoint), range(3))
        found.append(
            describe(f"noise of {amount} standard deviations, 3 seeds a side", [evaluate(three, noisy, policy)])
        )
    write_bytes(given.out / "results.json", json.dumps(found, indent=1).encode())


if __name__ == "__main__":
    main()
