"""Train a whole bundle on a machine that is lent for minutes: pack the speech, run (again and again), join what came back.

    python tools/train_on_device.py pack --manifest SPEECH/train/manifest.csv --kbps 16 --out .speech
    python tools/train_on_device.py run --speech .speech --out "$OUT"      # on the device; given again it goes on
    python tools/train_on_device.py join FETCHED --out my                  # a bundle again

What comes back is at most 8 files of under 16 MiB: the parts that are finished with their curves, cut into pieces, and a
log. The checkpoints of a part that is not finished stay in --work, for the next call on the same machine.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PIECE, ROOM = 15 << 20, 60 << 20  # bytes of a file and of all that come back
PARTS = ("speaker", "tokenizer", "vocoder", "decoder", "bigvgan")  # in the order of their need
BUDGETS = "speaker=1m,tokenizer=4m,vocoder=6m,decoder=8m,tune=1000,bigvgan=0m"
ON_ACCELERATOR = {"decoder": ["--frames", "16384"], "vocoder": ["--batch", "32"], "tokenizer": [], "speaker": []}


def main() -> int:
    """Read the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    packing = verbs.add_parser("pack", help="speech as Opus, small enough to travel")
    packing.add_argument("--manifest", action="append", required=True, type=Path)
    packing.add_argument("--split", default="train")
    packing.add_argument("--kbps", type=float, default=24.0)
    packing.add_argument("--limit-mib", type=float, default=0.0, help="stop before the speech is larger than this")
    packing.add_argument("--out", required=True, type=Path)
    packing.set_defaults(verb=pack)
    running = verbs.add_parser("run", help="train every part, as far as the time of this call goes")
    running.add_argument("--speech", required=True, type=Path, help="folder with manifest.csv, of any audio")
    running.add_argument("--out", required=True, type=Path, help="folder for what comes back")
    running.add_argument("--work", type=Path, default=Path("/tmp/streamflow-training"))
    running.add_argument("--budget", default=BUDGETS, help=f"PART=MINUTESm or PART=STEPS; tune in steps. [{BUDGETS}]")
    running.add_argument("--patterns", default="", help="of phase 2, separated by commas; all where empty")
    running.add_argument("--size", default="small", help="of the decoder")
    running.add_argument("--bigvgan", default="small", help="size of bigvgan")
    running.add_argument("--minutes", type=float, default=9.0, help="wall clock of this call, the copying included")
    running.add_argument("--device", default="auto")
    running.add_argument("--workers", type=int, default=6)
    running.add_argument("--save-every", type=float, default=30.0)
    running.add_argument("--parts", type=Path, help="a joined bundle of an earlier machine, whose parts are kept")
    running.set_defaults(verb=run)
    joining = verbs.add_parser("join", help="the pieces that came back to a bundle")
    joining.add_argument("fetched", type=Path)
    joining.add_argument("--out", required=True, type=Path)
    joining.set_defaults(verb=join)
    options = parser.parse_args()
    return options.verb(options)


def pack(options: argparse.Namespace) -> int:
    """Levelled 16 kHz Opus and a manifest beside it; recordings that are there already are kept."""
    import soundfile

    from streamflow.audio import SAMPLE_RATE, load_audio
    from streamflow.training.data import manifest_rows

    folder = options.out / "audio"
    folder.mkdir(parents=True, exist_ok=True)
    level = (256.0 - options.kbps) / 250.0  # libsndfile's scale: 0 for 256 kbit/s a channel, 1 for 6
    size, rows = 0, []
    everything = [row for manifest in options.manifest for row in manifest_rows(manifest, options.split)]
    # spread over the corpus, so that a limit leaves out a little of every speaker
    everything.sort(key=lambda row: hash_of(row[0]))
    for utterance, speaker, path in everything:
        target = folder / f"{utterance}.opus"
        if not target.exists():
            partial = folder / f".{utterance}.partial"
            soundfile.write(
                partial, load_audio(path), SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=level
            )
            os.replace(partial, target)
        size += target.stat().st_size
        if options.limit_mib and size > options.limit_mib * 2**20:
            target.unlink()
            break
        rows.append([utterance, speaker, f"audio/{target.name}"])
    with (options.out / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["utterance_id", "speaker_id", "path"], *sorted(rows)])
    print(f"{options.out}: {len(rows)} of {len(everything)} recordings, {size / 2**20:.1f} MiB")
    return 0


def hash_of(name: str) -> str:
    """An order that has nothing to do with the corpus's."""
    import hashlib

    return hashlib.sha256(name.encode()).hexdigest()


def run(options: argparse.Namespace) -> int:
    """Train what is missing until the time is up, then bring back what is finished."""
    began = time.monotonic()
    budgets = dict(entry.split("=") for entry in options.budget.split(","))
    options.work.mkdir(parents=True, exist_ok=True)
    if options.parts:
        for path in [options.parts / "bundle.json", *options.parts.glob("*.safetensors")]:
            target = options.work / "bundle" / path.name
            if path.exists() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    finished = True
    with (options.work / "log.txt").open("a", buffering=1) as log:
        for name, command, made in jobs(options, budgets):
            if made.exists():
                continue
            left = 60 * options.minutes - (time.monotonic() - began)
            status = train(name, command, left, log)
            say(log, f"{name}: {'done' if status == 0 else f'not done (status {status})'}, {left:.0f} s were left")
            if status:
                finished = False
                if status != 130:  # failed; a part that does not need this one may still train
                    continue
                break
        bring_back(options, log)
    print("everything is trained" if finished else "not everything is trained; the same call goes on from here")
    return 0


def jobs(options: argparse.Namespace, budgets: dict[str, str]) -> list[tuple[str, list[str], Path]]:
    """(name, command, the file that says it is done) of every training, in order."""
    from streamflow.attention import PRESETS

    bundle, small = options.work / "bundle", options.work / "bigvgan"
    common = ["--manifest", str(options.speech / "manifest.csv"), "--device", options.device]
    common += ["--save-every", str(options.save_every), "--workers", str(options.workers)]
    patterns = [p for p in options.patterns.split(",") if p] or [p for p in PRESETS if p != "full"]
    found = []
    for part in PARTS:
        budget = budgets.get(part, "0m")
        if budget in ("0", "0m"):
            continue
        kind = "vocoder" if part == "bigvgan" else part
        where = small if part == "bigvgan" else bundle
        command = [kind, "--bundle", str(where), *common, *length(budget)]
        if part == "bigvgan":
            command += ["--kind", "bigvgan", "--size", options.bigvgan]
            if not accelerated(options.device):  # a trial of the whole: an update of 32 crops is 87 s of speech
                command += ["--batch", "2"]
        elif accelerated(options.device):
            command += ON_ACCELERATOR[part]
        made = where / f"{kind}.safetensors"
        if part == "decoder":
            # one process for all of them: the features are computed once
            missing = [p for p in ("full", *patterns) if not (bundle / weights_of(p)).exists()]
            if not missing:
                continue
            command += ["--size", options.size, "--pattern", ",".join(missing), "--tune-steps", budgets["tune"]]
            made = bundle / weights_of(max(missing, key=PRESETS.index))
        found.append((part, command, made))
    return found


def weights_of(pattern: str) -> str:
    """The file of a pattern's weights."""
    return "decoder.safetensors" if pattern == "full" else f"decoder-{pattern}.safetensors"


def length(budget: str) -> list[str]:
    """``8m`` is minutes, ``300`` steps."""
    return ["--minutes", budget[:-1], "--steps", "100000"] if budget.endswith("m") else ["--steps", budget]


def accelerated(device: str) -> bool:
    """Whether the trainings will run on an accelerator."""
    import torch

    return device == "cuda" or (device == "auto" and torch.cuda.is_available())


def train(name: str, command: list[str], left: float, log: io.TextIOBase) -> int:
    """Run one training; stop it, saved, when the time is up. Returns its status, 130 where it was stopped."""
    if left < 5:
        return 130
    say(log, f"{name}: streamflow train {' '.join(command)}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "train", *command], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    try:
        return process.wait(timeout=left)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:  # in the middle of preparing; what it has saved is kept
        process.kill()
        process.wait()
    return 130


def bring_back(options: argparse.Namespace, log: io.TextIOBase) -> None:
    """Finished parts, curves and summaries as one archive in pieces, and the log."""
    options.out.mkdir(parents=True, exist_ok=True)
    archive = options.work / "parts.tar"
    total = 0
    with tarfile.open(archive, "w") as tar:
        for folder in ("bundle", "bigvgan"):
            base = options.work / folder
            small = [
                base / "bundle.json",
                *sorted(base.glob("training/*/*.csv")),
                *sorted(base.glob("training/*/*.json")),
            ]
            for path in [p for p in small if p.exists()] + sorted(base.glob("*.safetensors")):
                size = path.stat().st_size
                if total + size > ROOM:
                    say(log, f"{path.name} of {folder} does not fit into what comes back ({size / 2**20:.1f} MiB)")
                    continue
                total += size
                tar.add(path, f"{folder}/{path.relative_to(base)}")
    for old in options.out.glob("parts.tar.*"):
        old.unlink()
    with archive.open("rb") as file:
        for number, piece in enumerate(iter(lambda: file.read(PIECE), b"")):
            (options.out / f"parts.tar.{number:02}").write_bytes(piece)
    shutil.copyfile(options.work / "log.txt", options.out / "log.txt")


def join(options: argparse.Namespace) -> int:
    """The pieces in a folder to ``OUT/bundle`` and ``OUT/bigvgan``."""
    pieces = sorted(options.fetched.glob("parts.tar.*"))
    if not pieces:
        print(
            f"{options.fetched}: no parts.tar.00; give the folder that the device's files came back to", file=sys.stderr
        )
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(b"".join(p.read_bytes() for p in pieces))) as tar:
        tar.extractall(options.out, filter="data")
    print(f"{options.out}: {', '.join(sorted(p.name for p in options.out.glob('*/*.safetensors')))}")
    return 0


def say(log: io.TextIOBase, text: str) -> None:
    """To the log and to the reader."""
    line = f"{time.strftime('%H:%M:%S')} {text}"
    log.write(line + "\n")
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
