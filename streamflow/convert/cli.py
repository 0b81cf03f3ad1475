"""``streamflow convert``: published weights into a bundle of this project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(
    help="Convert published weights: Qwen2.5-Omni's Token2Wav, NVIDIA's BigVGAN, SpeechBrain's ECAPA-TDNN.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
Checkpoint = Annotated[str, typer.Argument(metavar="PATH", help="Its folder, or OWNER/NAME where there is network.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="New folder for the bundle.")]


@app.command("qwen2.5-omni")
def qwen(path: Checkpoint, out: Out) -> None:
    """Decoder, reference encoder, vocoder and voices of Qwen2.5-Omni.

    Reads config.json, spk_dict.pt, and of the shards those that hold token2wav.

    Example:

        streamflow convert qwen2.5-omni downloads/Qwen2.5-Omni-7B --out my/qwen
    """
    from .qwen import convert_qwen

    _carry_out(convert_qwen, path, out)


@app.command()
def bigvgan(path: Checkpoint, out: Out) -> None:
    """A BigVGAN generator as NVIDIA publishes it: bigvgan_generator.pt and config.json.

    Example:

        streamflow convert bigvgan downloads/bigvgan_v2_24khz_100band_256x --out my/bigvgan
    """
    from .bigvgan import convert_bigvgan

    _carry_out(convert_bigvgan, path, out)


@app.command()
def ecapa(path: Checkpoint, out: Out) -> None:
    """A speaker encoder as SpeechBrain publishes it: hyperparams.yaml and embedding_model.ckpt.

    Example:

        streamflow convert ecapa downloads/spkrec-ecapa-voxceleb --out my/ecapa
    """
    from .ecapa import convert_ecapa

    _carry_out(convert_ecapa, path, out)


def _carry_out(convert, path: str, out: Path) -> None:
    from .source import Source
    from .target import refuse_taken, write_bundle

    refuse_taken(out)
    console = Console(stderr=True, highlight=False)
    with console.status("converting") as status:
        source = Source(path, report=lambda what: status.update(what))
        made = convert(source)
        bundle = write_bundle(made, source, out)
    values = sum(value.numel() for state in made.parts.values() for value in state.values())
    typer.echo(f"{bundle.directory}: {', '.join(made.parts)}; {values:,} values of {source.name}")
    typer.echo(f"licence: {bundle.card['source']['licence']}")
