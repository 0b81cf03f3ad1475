"""``streamflow train``: the parts of a bundle, one after the other, each resumable by giving the same command again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
import typer

from ..attention import BLOCK, PRESETS, TOKEN_AHEAD, preset
from ..checkpoints import Bundle, config_card, identity, pattern_card, save_part
from ..errors import CheckpointError, StreamflowError
from .loop import LoopConfig

if TYPE_CHECKING:
    from .decoder import DecoderFeatures

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


def _start(seed: int, threads: int, part: str) -> None:
    if threads:
        torch.set_num_threads(threads)
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
) -> None:
    """Train the speaker encoder (ECAPA-TDNN). Needs speaker_id in the manifest.

    Example: streamflow train speaker --manifest speech/train/manifest.csv --bundle my
    """
    from ..speaker import SpeakerConfig, SpeakerEncoder
    from .data import Speech
    from .speaker import train_speaker

    _start(seed, threads, "speaker")
    config = SpeakerConfig()
    loop = LoopConfig(steps=steps, warmup=50, decay=0.5, ema=0.99, seed=seed, save_every_s=save_every)
    trained = train_speaker(SpeakerEncoder(config), Speech(manifest, split), _work(bundle, "speaker"), loop)
    save_part(bundle, "speaker", trained.state_dict(), {"speaker": config_card(config)})


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
) -> None:
    """Train the 25 Hz tokenizer (needs the bundle's speaker encoder).

    Example: streamflow train tokenizer --manifest speech/train/manifest.csv --bundle my
    """
    from ..tokenizer import Tokenizer, TokenizerConfig
    from .data import Speech
    from .tokenizer import train_tokenizer

    encoder = _has(bundle, "speaker").speaker
    _start(seed, threads, "tokenizer")
    config = TokenizerConfig(codes=codes, speaker=encoder.config.embedding)
    loop = LoopConfig(steps=steps, warmup=100, decay=0.4, ema=0.998, seed=seed, save_every_s=save_every)
    trained = train_tokenizer(Tokenizer(config), encoder, Speech(manifest, split), _work(bundle, "tokenizer"), loop)
    save_part(bundle, "tokenizer", trained.state_dict(), {"tokenizer": config_card(config)})


@app.command()
def vocoder(
    manifest: Manifests,
    bundle: Out,
    steps: Steps = 5500,
    adversarial_from: Annotated[
        float, typer.Option(help="Share of the steps before discriminators join; 1: never.")
    ] = 1.0,
    kind: Annotated[str, typer.Option(help="vocos (the CPU default) or bigvgan (wants an accelerator).")] = "vocos",
    seed: Seed = 0,
    threads: Threads = 0,
    split: Split = "train",
    save_every: SaveEvery = 120.0,
) -> None:
    """Train the vocoder; independent of the other parts.

    Example: streamflow train vocoder --manifest speech/train/manifest.csv --bundle my
    """
    from ..vocoders import build_vocoder, default_card
    from .data import Speech
    from .vocoder import VocoderTraining, train_vocoder

    _start(seed, threads, "vocoder")
    card = default_card(kind)
    loop = LoopConfig(steps=steps, warmup=200, decay=0.3, seed=seed, save_every_s=save_every)
    trained = train_vocoder(
        build_vocoder(card),
        Speech(manifest, split),
        _work(bundle, "vocoder"),
        loop,
        VocoderTraining(adversarial_from=adversarial_from),
    )
    save_part(bundle, "vocoder", trained.state_dict(), {"vocoder": card})


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
    rank: Annotated[int, typer.Option(min=1, help="Rank of phase 2's difference to phase 1.")] = 16,
    size: Size = "small",
    seed: Seed = 0,
    threads: Threads = 0,
    split: Split = "train",
    save_every: SaveEvery = 120.0,
) -> None:
    """Train the DiT: phase 1 with full attention, then phase 2 for each attention pattern from phase 1's weights.

    Examples:

    streamflow train decoder --manifest speech/train/manifest.csv --bundle my

    streamflow train decoder --manifest speech/train/manifest.csv --bundle my --pattern causal,streamflow-sr
    """
    from .data import Speech
    from .decoder import decoder_features

    names = [name.strip() for name in pattern.split(",")]
    for name in names:
        if name not in PRESETS:
            raise StreamflowError(f"unknown attention pattern {name}; choose from {', '.join(PRESETS)}")
    opened = _has(bundle, "tokenizer")
    if "full" not in names:
        _has(bundle, "decoder")
    _start(seed, threads, "decoder")
    features = decoder_features(opened, Speech(manifest, split))
    for name in sorted(names, key=PRESETS.index):  # phase 1 first
        if name == "full":
            _start(seed, threads, "decoder-full")
            loop = LoopConfig(steps=steps, warmup=150, decay=0.35, seed=seed, save_every_s=save_every)
            _phase_one(opened, features, size, loop)
        else:
            _start(seed, threads, f"decoder-{name}")
            loop = LoopConfig(steps=tune_steps, warmup=20, decay=0.5, ema=0.99, seed=seed, save_every_s=save_every)
            _phase_two(Bundle(bundle), features, name, block, rank, loop)


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


def _phase_one(bundle: Bundle, features: DecoderFeatures, size: str, loop: LoopConfig) -> None:
    from ..attention import full
    from ..dit import DiT, dit_preset
    from .decoder import train_decoder

    quantiser, voice = bundle.config("tokenizer"), bundle.config("speaker").embedding
    config = replace(dit_preset(size), levels=quantiser.levels, codes=quantiser.codes, speaker=voice)
    work = _work(bundle.directory, "decoder-full")
    trained = train_decoder(DiT(config), full(config.layers), features, work, loop)
    state = trained.state_dict()
    save_part(bundle.directory, "decoder", state, {"decoder": config_card(config), "decoder_id": identity(state)})


def _phase_two(bundle: Bundle, features: DecoderFeatures, name: str, block: int, rank: int, loop: LoopConfig) -> None:
    from ..adapters import difference
    from ..dit import DiT
    from .clean_prefix import clean_prefix_loss
    from .decoder import DecoderTraining, loss_of, train_decoder

    base = {k: v.clone() for k, v in bundle.decoder().state_dict().items()}
    dit = DiT(replace(bundle.config("decoder"), token_ahead=TOKEN_AHEAD.get(name, 0)))
    dit.load_state_dict(base, strict=False)  # a look-ahead over tokens is new, and starts as no change
    pattern = preset(name, dit.config.layers, block or (2 * BLOCK if name == "cosyvoice" else BLOCK))
    work = _work(bundle.directory, f"decoder-{name}")
    phase_one = bundle.card["decoder_id"]
    training = DecoderTraining(rank=rank, rate=TUNE_RATE)
    loss = clean_prefix_loss if name == "clean-prefix" else loss_of
    trained = train_decoder(dit, pattern, features, work, loop, training, base=phase_one, loss_of=loss)
    card = {**pattern_card(pattern), "decoder_id": phase_one}
    card |= {"token_ahead": TOKEN_AHEAD[name]} if name in TOKEN_AHEAD else {}
    card = {"differences": {name: card}}
    save_part(bundle.directory, f"decoder-{name}", difference(trained.state_dict(), base), card)
