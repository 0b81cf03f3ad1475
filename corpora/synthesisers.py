"""Free speech synthesisers, as the scripts that make corpora use them: flite, festival's text2wave and espeak-ng.

Nothing here is random, so that the same versions of the synthesisers give the same samples. Levels are left as the
synthesisers give them.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from streamflow.errors import StreamflowError

SAMPLE_RATE = 16_000  # Hz
MANIFEST_COLUMNS = ("utterance_id", "speaker_id", "path", "duration_s", "text", "corpus", "split")
# Debian's package of each program, which brings the program's own voices, and of festival's voices, which it does not.
PROGRAM_PACKAGES = {"flite": "flite", "text2wave": "festival", "espeak-ng": "espeak-ng"}
VOICE_PACKAGES = {
    "kal_diphone": "festvox-kallpc16k",
    "ked_diphone": "festvox-kdlpc16k",
    "cmu_us_slt_arctic_hts": "festvox-us-slt-hts",
}


class SynthesiserError(StreamflowError):
    """A program or voice that is not installed, or a text that it could not read."""


@dataclass(frozen=True)
class Voice:
    """A voice of a synthesiser; `name` is the speaker_id in the manifest."""

    name: str
    program: str
    voice: str

    @property
    def package(self) -> str:
        """The Debian package that the voice comes in."""
        return VOICE_PACKAGES.get(self.voice, PROGRAM_PACKAGES[self.program])


@dataclass(frozen=True)
class Manner:
    """How a text is read; None leaves it to the voice.

    Attributes:
        stretch: durations are multiplied by it (flite, festival).
        words_per_minute: pace (espeak-ng).
        pitch: 0 to 99, espeak-ng's own unit (espeak-ng).
    """

    stretch: float | None = None
    words_per_minute: int = 160
    pitch: int | None = None


def speech(voice: Voice, text: str, manner: Manner = Manner()) -> np.ndarray:
    """`text` read by `voice`: float32 [n], mono, 16 kHz, without the silence around it.

    Raises:
        SynthesiserError: the synthesiser failed or said nothing.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "speech.wav"
        speak(voice, text, wav, manner)
        samples, rate = soundfile.read(wav, dtype="float32")
    if not samples.any():
        raise SynthesiserError(f"{voice.name}: said nothing for {text!r}; take that text out")
    if rate != SAMPLE_RATE:
        samples = soxr.resample(samples, rate, SAMPLE_RATE, quality="VHQ")
    return trimmed(samples)


def speak(voice: Voice, text: str, wav: Path, manner: Manner = Manner()) -> None:
    """Writes `text`, read by `voice`, to `wav` at the synthesiser's own sample rate."""
    stdin = text if voice.program == "text2wave" else None
    command = _command(voice, text, wav, manner)
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode or not wav.exists():  # text2wave exits with 0 when it has failed
        reason = " ".join(done.stderr.split())[-200:]
        raise SynthesiserError(
            f"{voice.name}: {' '.join(command[:3])} failed ({reason}); is its voice installed? "
            f"Debian: apt-get install {voice.package}"
        )


def _command(voice: Voice, text: str, wav: Path, manner: Manner) -> list[str]:
    """The command line that reads `text`; text2wave takes the text from its standard input."""
    stretch = None if manner.stretch is None else f"{manner.stretch:.3f}"
    match voice.program:
        case "flite":
            options = [] if stretch is None else ["--setf", f"duration_stretch={stretch}"]
            return ["flite", "-voice", voice.voice, *options, "-t", text, "-o", str(wav)]
        case "text2wave":
            setup = f"(voice_{voice.voice})"
            if stretch is not None:
                setup = f"(begin {setup} (Parameter.set (quote Duration_Stretch) {stretch}))"
            return ["text2wave", "-eval", setup, "-o", str(wav)]
        case "espeak-ng":
            options = ["-s", str(manner.words_per_minute)]
            options += [] if manner.pitch is None else ["-p", str(manner.pitch)]
            return ["espeak-ng", "-v", voice.voice, *options, "-w", str(wav), text]
    raise SynthesiserError(f"{voice.program}: unknown synthesiser; there are {', '.join(PROGRAM_PACKAGES)}")


def trimmed(samples: np.ndarray) -> np.ndarray:
    """`samples` [n] without the synthesiser's silence beyond 0.1 s before and 0.2 s after the speech."""
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return samples[max(0, loud[0] - SAMPLE_RATE // 10) : loud[-1] + SAMPLE_RATE // 5]


def check_installed(voices: Iterable[Voice]) -> None:
    """Raises a SynthesiserError that names the first program or voice that is missing, and its Debian package."""
    voices = list(voices)
    for program in dict.fromkeys(voice.program for voice in voices):
        if shutil.which(program) is None:
            raise SynthesiserError(
                f"{program} is not installed; on Debian: apt-get install {PROGRAM_PACKAGES[program]}"
            )
        installed = _installed_voices(program)
        for voice in voices:
            # "en-us+f4" is the language en-us with the formants of the variant f4
            if voice.program == program and not installed.issuperset(voice.voice.split("+")):
                raise SynthesiserError(
                    f"{program} has no voice {voice.voice!r}; on Debian: apt-get install {voice.package}"
                )


def _installed_voices(program: str) -> set[str]:
    """What `program` says it has; a flite or an espeak-ng that lacks a voice or variant may read in another, silently."""
    listings = {
        "flite": (["flite", "-lv"],),
        "text2wave": (["festival", "-b", "(print (voice.list))"],),
        "espeak-ng": (["espeak-ng", "--voices=en"], ["espeak-ng", "--voices=variant"]),
    }[program]
    words = [
        word.strip("()").removeprefix("!v/")
        for command in listings
        for word in subprocess.run(command, capture_output=True, text=True).stdout.split()
    ]
    return set(words)


def write_manifest(path: Path, rows: Iterable[tuple[str, ...]], *, line_end: str = "\n") -> None:
    """Writes the CSV manifest of a corpus in one step, its columns MANIFEST_COLUMNS."""
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator=line_end)
        table.writerow(MANIFEST_COLUMNS)
        table.writerows(rows)
    os.replace(unfinished, path)
