"""``streamflow train``: the parts of a bundle, one after the other, each resumable by giving the same command again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
import typer
from torch import nn

from ..attention import BLOCK, PRESETS, TOKEN_AHEAD, preset
from ..checkpoints import Bundle, load_bundle
from ..errors import CheckpointError, StreamflowError
from ..stored_weights import config_card, identity, pattern_card, save_part
from ..strategies.placement import TRAINED, placed_as
from .hardware import Hardware, choose_hardware, leave
from .loop import LoopConfig

if TYPE_CHECKING:
    from .features import Features

TUNE_RATE = 2e-3  # of low-rank updates, which bear more than the whole weights do

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

Manifests = Annotated[list[Path], typer.Option("--manifest", help="CSV of recordings; may be given more than once.")]
Out = Annotated[Path, typer.Option("--bundle", help="Folder of the bundle; the parts it has already are used.")]
Steps = Annotated[int, typer.Option(help="Updates in all.")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Threads = Annotated[int, typer.Option(help="CPU threads; 0 for torch's own choice.")]
Split = Annotated[str, typer.Option(help="Rows of this split are used, where the manifest has the column.")]
SaveEvery = Annotated[float, typer.Option(help="Seconds between checkpoints.")]
Size = Annotated[str, typer.Option(help="paper, small or tiny.")]
Minutes = Annotated[
    float, typer.Option(min=0, help="Minutes of training to fit the steps into; --steps is then a first guess.")
]
Device = Annotated[str, typer.Option(help="auto (an accelerator where there is one), cpu or cuda.")]
Precision = Annotated[str, typer.Option(help="bf16 (mixed) or float32.")]
Accumulate = Annotated[int, typer.Option(min=1, help="Pieces to compute a batch in; more need less memory.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that read and cut batches ahead.")]
FromDisk = Annotated[bool, typer.Option("--from-disk", help="Keep the speech on disk, for more than memory holds.")]


@contextmanager
def _hardware(device: str, precision: str, accumulate: int, workers: int, threads: int) -> Iterator[Hardware]:
    """What to train on; leaves the group of processes at the end, so that none waits for one that failed."""
    if threads:
        torch.set_num_threads(threads)
    try:
        yield choose_hardware(device, precision, accumulate, workers)
    finally:
        leave()


def _start(seed: int, part: str) -> None:
    torch.manual_seed(seed + sum(part.encode()))  # initial weights; the loop seeds each step itself


def _work(bundle: Path, part: str) -> Path:
    return bundle / "training" / part


def _has(bundle: Path, part: str) -> Bundle:
    if not (bundle / f"{part}.safetensors").exists():
        raise CheckpointError(f"{bundle}: has no {part} yet; run first: streamflow train {part} --bundle {bundle}")
    return Bundle(bundle)


@app.command()
def speaker(
    manifest: Manifests,
    bundle: Out,
    steps: Steps = 500,
    seed: Seed = 0,
    threads: Threads = 0,
    split: Split = "train",
    save_every: SaveEvery = 120.0,
    minutes: Minutes = 0.0,
    device: Device = "auto",
    precision: Precision = "bf16",
    accumulate: Accumulate = 1,
    workers: Workers = 0,
    from_disk: FromDisk = False,
) -> None:
    """Train the speaker encoder (ECAPA-TDNN). Needs speaker_id in the manifest.

    Example: streamflow train speaker --manifest speech/train/manifest.csv --bundle my
    """
    from ..speaker import SpeakerConfig, SpeakerEncoder
    from .data import Speech
    from .speaker import train_speaker

    with _hardware(device, precision, accumulate, workers, threads) as hardware:
        _start(seed, "speaker")
        config = SpeakerConfig()
        loop = LoopConfig(
            steps=steps, warmup=50, decay=0.5, ema=0.99, seed=seed, save_every_s=save_every, budget_s=60 * minutes
        )
        speech = Speech(manifest, split, from_disk=from_disk)
        trained = train_speaker(SpeakerEncoder(config), speech, _work(bundle, "speaker"), loop, hardware=hardware)
        _save(hardware, bundle, "speaker", trained.state_dict(), {"speaker": config_card(config)})


@app.command()
def tokenizer(
    manifest: Manifests,
    bundle: Out,
    steps: Steps = 2400,
    codes: Annotated[int, typer.Option(help="Codes for each 40 ms; the paper has 1.")] = 2,
    seed: Seed = 0,
    threads: Threads = 0,
    split: Split = "train",
    save_every: SaveEvery = 120.0,
    minutes: Minutes = 0.0,
    device: Device = "auto",
    precision: Precision = "bf16",
    accumulate: Accumulate = 1,
    workers: Workers = 0,
    from_disk: FromDisk = False,
) -> None:
    """Train the 25 Hz tokenizer (needs the bundle's speaker encoder).

    Example: streamflow train tokenizer --manifest speech/train/manifest.csv --bundle my
    """
    from ..tokenizer import Tokenizer, TokenizerConfig
    from .data import Speech
    from .tokenizer import train_tokenizer

    encoder = _has(bundle, "speaker").speaker
    with _hardware(device, precision, accumulate, workers, threads) as hardware:
        _start(seed, "tokenizer")
        config = TokenizerConfig(codes=codes, speaker=encoder.config.embedding)
        loop = LoopConfig(
            steps=steps, warmup=100, decay=0.4, ema=0.998, seed=seed, save_every_s=save_every, budget_s=60 * minutes
        )
        speech = Speech(manifest, split, from_disk=from_disk)
        work = _work(bundle, "tokenizer")
        trained = train_tokenizer(Tokenizer(config), encoder, speech, work, loop, hardware=hardware)
        _save(hardware, bundle, "tokenizer", trained.state_dict(), {"tokenizer": config_card(config)})


@app.command()
def vocoder(
    manifest: Manifests,
    bundle: Out,
    steps: Steps = 5500,
    adversarial_from: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of the steps before discriminators join; 1: never. [vocos 1, bigvgan 0]"
        ),
    ] = None,
    kind: Annotated[str, typer.Option(help="vocos (the CPU default) or bigvgan (wants an accelerator).")] = "vocos",
    size: Annotated[str, typer.Option(help="Of bigvgan: base, small or tiny.")] = "small",
    batch: Annotated[int, typer.Option(min=0, help="Crops an update; 0 for 6 (bigvgan 32).")] = 0,
    crop: Annotated[
        int | None, typer.Option(min=8, help="Frames of 10 ms a crop; fewer need less memory. [vocos 192, bigvgan 272]")
    ] = None,
    discriminators: Annotated[
        str, typer.Option(help="Of bigvgan: v2 (periods, constant-Q transforms) or v1 (periods, resolutions). [v2]")
    ] = "",
    start: Annotated[str, typer.Option(help="Bundle whose vocoder to start from; none: from random weights.")] = "",
    seed: Seed = 0,
    threads: Threads = 0,
    split: Split = "train",
    save_every: SaveEvery = 120.0,
    minutes: Minutes = 0.0,
    device: Device = "auto",
    precision: Precision = "bf16",
    accumulate: Accumulate = 1,
    workers: Workers = 0,
    from_disk: FromDisk = False,
) -> None:
    """Train the vocoder; independent of the other parts.

    Examples:

    streamflow train vocoder --manifest speech/train/manifest.csv --bundle my

    streamflow train vocoder --manifest speech/train/manifest.csv --bundle my --kind bigvgan --size small

    streamflow train vocoder --manifest speech/train/manifest.csv --bundle better --start my
    """
    from ..vocoders import build_vocoder
    from .data import Speech
    from .vocoder import BigVGANTraining, VocoderTraining, train_vocoder, vocoder_card

    card = vocoder_card(kind, size)
    given = {"batch": batch or None, "frames": crop, "adversarial_from": adversarial_from}
    given = {name: value for name, value in given.items() if value is not None}
    if kind == "bigvgan":
        width = 4 if size == "tiny" else 32
        training = BigVGANTraining(**given, discriminator_channels=width, discriminators=discriminators or "v2")
    elif discriminators:
        raise StreamflowError(f"{kind} has no choice of discriminators; leave --discriminators out")
    else:
        training = VocoderTraining(**given)
    with _hardware(device, precision, accumulate, workers, threads) as hardware:
        _start(seed, "vocoder")
        loop = LoopConfig(steps=steps, warmup=200, decay=0.3, seed=seed, save_every_s=save_every, budget_s=60 * minutes)
        speech = Speech(manifest, split, from_disk=from_disk)
        untrained = build_vocoder(card)
        if start:
            _fill_from(untrained, load_bundle(start))
        trained = train_vocoder(untrained, speech, _work(bundle, "vocoder"), loop, training, hardware)
        _save(hardware, bundle, "vocoder", trained.state_dict(), {"vocoder": card})


def _fill_from(untrained: nn.Module, bundle: Bundle) -> None:
    try:
        untrained.load_state_dict(bundle.vocoder.state_dict())
    except RuntimeError:
        raise CheckpointError(
            f"{bundle.directory}: its vocoder is of another kind or size; see --kind, --size"
        ) from None


@app.command()
def decoder(
    manifest: Manifests,
    bundle: Out,
    pattern: Annotated[
        str, typer.Option(help=f"Attention patterns, separated by commas: {', '.join(PRESETS)}. full is phase 1.")
    ] = "full",
    steps: Annotated[int, typer.Option(help="Updates of phase 1.")] = 3000,
    tune_steps: Annotated[int, typer.Option(help="Updates of phase 2, the same for every pattern.")] = 240,
    block: Annotated[int, typer.Option(help="Frames a block; 0 for 24 (cosyvoice 48).")] = 0,
    backward: Annotated[
        str, typer.Option(help="Layers that look a block back, such as 0+7, of StreamFlow's patterns. [the pattern's]")
    ] = TRAINED,
    forward: Annotated[
        str, typer.Option(help="Layers that look a block ahead, such as 4, of StreamFlow's patterns. [the pattern's]")
    ] = TRAINED,
    rank: Annotated[int, typer.Option(min=1, help="Rank of phase 2's difference to phase 1.")] = 16,
    size: Size = "small",
    frames: Annotated[int, typer.Option(min=96, help="Frames of 10 ms an update, over all crops.")] = 4096,
    seed: Seed = 0,
    threads: Threads = 0,
    split: Split = "train",
    save_every: SaveEvery = 120.0,
    minutes: Minutes = 0.0,
    device: Device = "auto",
    precision: Precision = "bf16",
    accumulate: Accumulate = 1,
    workers: Workers = 0,
    from_disk: FromDisk = False,
) -> None:
    """Train the DiT: phase 1 with full attention, then phase 2 for each attention pattern from phase 1's weights.

    Examples:

    streamflow train decoder --manifest speech/train/manifest.csv --bundle my

    streamflow train decoder --manifest speech/train/manifest.csv --bundle my --pattern causal,streamflow-sr
    """
    from .data import Speech
    from .features import make_features

    names = [name.strip() for name in pattern.split(",")]
    for name in names:
        if name not in PRESETS:
            raise StreamflowError(f"unknown attention pattern {name}; choose from {', '.join(PRESETS)}")
    placement = {"backward": backward, "forward": forward}
    if {backward, forward} != {TRAINED} and (other := [name for name in names if not name.startswith("streamflow-")]):
        raise StreamflowError(f"{other[0]}: its layers are not placed by --backward and --forward; leave them out")
    opened = _has(bundle, "tokenizer")
    if "full" not in names:
        _has(bundle, "decoder")
    with _hardware(device, precision, accumulate, workers, threads) as hardware:
        _start(seed, "decoder")
        speech = Speech(manifest, split, from_disk=from_disk)
        folder = _work(bundle, "decoder-features") if from_disk else None
        features = make_features(speech, opened.speaker, opened.tokenizer, hardware, folder)
        common = {"seed": seed, "save_every_s": save_every}
        for name in sorted(names, key=PRESETS.index):  # phase 1 first
            if name == "full":
                _start(seed, "decoder-full")
                loop = LoopConfig(steps=steps, warmup=150, decay=0.35, budget_s=60 * minutes, **common)
                _phase_one(opened, features, size, frames, loop, hardware)
            else:
                _start(seed, f"decoder-{name}")
                loop = LoopConfig(steps=tune_steps, warmup=20, decay=0.5, ema=0.99, **common)
                _phase_two(Bundle(bundle), features, name, block, placement, rank, frames, loop, hardware)


@app.command()
def pack(
    bundle: Out,
    out: Annotated[Path, typer.Option(help="Folder of the copy.")],
    eight_bit: Annotated[
        str, typer.Option(help="Parts whose matrices are stored in 8 bits, separated by commas.")
    ] = "",
) -> None:
    """Copy a bundle's weights without the states of its trainings, smaller if asked.

    Example: streamflow train pack --bundle my --out shipped --eight-bit vocoder
    """
    from ..checkpoints import pack as copy

    copy(Bundle(bundle), out, tuple(p.strip() for p in eight_bit.split(",") if p.strip()))


def _save(hardware: Hardware, bundle: Path, part: str, state: dict, card: dict) -> None:
    """Write a part once, whatever the number of processes; all go on when it is there."""
    if hardware.group.first:
        save_part(bundle, part, state, card)
    hardware.group.barrier()


def _phase_one(
    bundle: Bundle, features: Features, size: str, frames: int, loop: LoopConfig, hardware: Hardware
) -> None:
    from ..attention import full
    from ..dit import DiT, dit_preset
    from .decoder import DecoderTraining, train_decoder

    quantiser, voice = bundle.config("tokenizer"), bundle.config("speaker").embedding
    config = replace(dit_preset(size), levels=quantiser.levels, codes=quantiser.codes, speaker=voice)
    work, training = _work(bundle.directory, "decoder-full"), DecoderTraining(frames=frames)
    trained = train_decoder(DiT(config), full(config.layers), features, work, loop, training, hardware=hardware)
    state = trained.state_dict()
    card = {"decoder": config_card(config), "decoder_id": identity(state)}
    _save(hardware, bundle.directory, "decoder", state, card)


def _phase_two(
    bundle: Bundle,
    features: Features,
    name: str,
    block: int,
    placement: dict[str, str],
    rank: int,
    frames: int,
    loop: LoopConfig,
    hardware: Hardware,
) -> None:
    from ..adapters import difference
    from ..dit import DiT
    from .clean_prefix import CleanPrefixObjective
    from .decoder import DecoderTraining, FlowObjective, train_decoder

    base = {k: v.clone() for k, v in bundle.decoder().state_dict().items()}
    dit = DiT(replace(bundle.config("decoder"), token_ahead=TOKEN_AHEAD.get(name, 0)))
    dit.load_state_dict(base, strict=False)  # a look-ahead over tokens is new, and starts as no change
    usual = preset(name, dit.config.layers, block or (2 * BLOCK if name == "cosyvoice" else BLOCK))
    pattern = placed_as(usual, usual.block, placement)
    work = _work(bundle.directory, f"decoder-{name}")
    phase_one = bundle.card["decoder_id"]
    training = DecoderTraining(frames=frames, rank=rank, rate=TUNE_RATE)
    objective = CleanPrefixObjective if name == "clean-prefix" else FlowObjective
    trained = train_decoder(dit, pattern, features, work, loop, training, phase_one, hardware, objective)
    card = {**pattern_card(pattern), "decoder_id": phase_one}
    card |= {"token_ahead": TOKEN_AHEAD[name]} if name in TOKEN_AHEAD else {}
    state = difference(trained.state_dict(), base)
    _save(hardware, bundle.directory, f"decoder-{name}", state, {"differences": {name: card}})
