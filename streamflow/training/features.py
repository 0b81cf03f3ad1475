"""Log-mel, tokens and speaker embedding of every recording: in memory, or in flat files for corpora larger than it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..audio import SAMPLE_RATE
from ..mel import BANDS, FRAMES_PER_TOKEN, log_mel
from ..speaker import MAX_S, SpeakerEncoder
from ..tokenizer import Tokenizer
from .data import Speech
from .hardware import Hardware
from .progress import track


@dataclass(frozen=True)
class Features:
    """Of recording i: ``mels[i]`` ``[T, 80]`` bfloat16 with T a multiple of 4, ``tokens[i]`` ``[T / 4, K]`` int64.

    Attributes:
        mels, tokens: one a recording; no tokens where the tokenizer is yet to be trained.
        speakers: unit vectors float32 ``[N, D]``.
        lengths: T of each.
    """

    mels: list[Tensor]
    tokens: list[Tensor]
    speakers: Tensor
    lengths: np.ndarray = field(default=None)

    def __post_init__(self):
        if self.lengths is None:
            object.__setattr__(self, "lengths", np.array([len(m) for m in self.mels]))


def compute_features(
    speech: Speech | _Rest, speaker: SpeakerEncoder, tokenizer: Tokenizer | None, hardware: Hardware
) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
    """Log-mel, tokens and speaker embedding of one recording after the other, on the CPU; computed on the device."""
    device = hardware.device
    speaker = speaker.to(device).eval()
    tokenizer = tokenizer.to(device).eval() if tokenizer else None
    for index in track(range(len(speech)), "log-mel, speaker embedding, tokens", hardware.group.first):
        with torch.no_grad():
            audio = torch.from_numpy(speech.samples(index)).to(device)
            voice = speaker(log_mel(audio[: int(MAX_S * SAMPLE_RATE)])[None])[0]
            mel = log_mel(audio)
            mel = mel[: len(mel) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN].to(torch.bfloat16)
            tokens = tokenizer.tokenize(mel.float(), voice).cpu() if tokenizer else None
        yield mel.cpu(), tokens, voice.float().cpu()


def make_features(
    speech: Speech,
    speaker: SpeakerEncoder,
    tokenizer: Tokenizer | None = None,
    hardware: Hardware | None = None,
    folder: Path | None = None,
) -> Features:
    """Features of all recordings: in memory, or in ``folder`` where one is given.

    What an interrupted call has put into the folder is kept and gone on from; features of other recordings or weights
    are replaced.
    """
    hardware = hardware or Hardware()
    if folder is None:
        found = list(compute_features(speech, speaker, tokenizer, hardware))
        tokens = [t.clone() for _, t, _ in found] if tokenizer else []
        return Features([m for m, _, _ in found], tokens, torch.stack([v for _, _, v in found]))
    if hardware.group.first:
        _Writer(folder, _key(speech, speaker, tokenizer)).complete(
            len(speech), lambda done: compute_features(_Rest(speech, done), speaker, tokenizer, hardware)
        )
    hardware.group.barrier()
    return open_features(folder)


class _Rest:
    """A corpus from its ``skip``-th recording on."""

    def __init__(self, speech: Speech, skip: int):
        self.speech, self.skip = speech, skip

    def __len__(self) -> int:
        return len(self.speech) - self.skip

    def samples(self, index: int) -> np.ndarray:
        return self.speech.samples(self.skip + index)


def _key(speech: Speech, speaker: SpeakerEncoder, tokenizer: Tokenizer | None) -> str:
    digest = hashlib.sha256()
    for path, length in zip(speech.paths, speech.lengths, strict=True):
        digest.update(f"{path.resolve()} {length}\n".encode())
    for module in (speaker, tokenizer):
        for name, value in module.state_dict().items() if module else ():
            digest.update(name.encode() + value.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


class _Writer:
    """Appends recordings to flat files; a row of rows.txt says that a recording's parts are there whole."""

    def __init__(self, folder: Path, key: str):
        self.folder, self.key = folder, key
        self.rows = folder / "rows.txt"

    def complete(self, count: int, compute: Callable[[int], Iterator]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        card = self.folder / "features.json"
        if not card.exists() or json.loads(card.read_text()).get("key") != self.key:
            for name in ("mel.bin", "tokens.bin", "speakers.bin", "rows.txt"):
                (self.folder / name).unlink(missing_ok=True)
            card.write_text(json.dumps({"key": self.key}) + "\n")
        rows = _read_rows(self.rows)
        if len(rows) >= count:
            return
        self._cut(rows)
        with (
            (self.folder / "mel.bin").open("ab") as mels,
            (self.folder / "tokens.bin").open("ab") as tokens,
            (self.folder / "speakers.bin").open("ab") as speakers,
            self.rows.open("a") as index,
        ):
            for mel, codes, voice in compute(len(rows)):
                mels.write(mel.view(torch.int16).numpy().tobytes())
                width = 0 if codes is None else codes.shape[1]
                tokens.write(b"" if codes is None else codes.numpy().astype("<i4").tobytes())
                speakers.write(voice.numpy().astype("<f4").tobytes())
                for file in (mels, tokens, speakers):
                    file.flush()
                index.write(f"{len(mel)} {width} {len(voice)}\n")
                index.flush()

    def _cut(self, rows: np.ndarray) -> None:
        """Drop what was begun and not finished."""
        self.rows.write_text("".join("{} {} {}\n".format(*row) for row in rows))
        frames, codes, voice = rows.T if len(rows) else np.zeros((3, 0), dtype=np.int64)
        sizes = {
            "mel.bin": 2 * BANDS * int(frames.sum()),
            "tokens.bin": 4 * int((frames // FRAMES_PER_TOKEN * codes).sum()),
            "speakers.bin": 4 * int(voice.sum()),
        }
        for name, size in sizes.items():
            with (self.folder / name).open("ab") as file:
                file.truncate(size)


def _read_rows(path: Path) -> np.ndarray:
    """int64 ``[N, 3]``: frames, codes a token, size of the embedding; a line that was cut off is left out."""
    text = path.read_text() if path.exists() else ""
    whole = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return np.array([row for row in whole if len(row) == 3], dtype=np.int64).reshape(-1, 3)


class _Slices:
    """Tensors that lie one after the other in a flat file, read when asked for."""

    def __init__(self, array: np.ndarray, starts: np.ndarray, kind: str):
        self.array, self.starts, self.kind = array, starts, kind

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> Tensor:
        return _Slice(self.array[self.starts[index] : self.starts[index + 1]], self.kind)


class _Slice:
    """One of them; slicing it reads."""

    def __init__(self, array: np.ndarray, kind: str):
        self.array, self.kind = array, kind

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: slice) -> Tensor:
        part = torch.from_numpy(np.array(self.array[rows]))
        return part.view(torch.bfloat16) if self.kind == "mel" else part.long()


def open_features(folder: Path) -> Features:
    """The features that :func:`make_features` put into a folder, mapped into memory rather than read."""
    rows = _read_rows(folder / "rows.txt")
    frames, codes, voice = rows.T
    mels = np.memmap(folder / "mel.bin", dtype=np.int16, mode="r").reshape(-1, BANDS)
    speakers = np.fromfile(folder / "speakers.bin", dtype="<f4").reshape(len(rows), int(voice[0]))
    starts = np.concatenate([[0], np.cumsum(frames)])
    tokens = []
    if codes[0]:
        flat = np.memmap(folder / "tokens.bin", dtype="<i4", mode="r").reshape(-1, int(codes[0]))
        tokens = _Slices(flat, starts // FRAMES_PER_TOKEN, "tokens")
    return Features(_Slices(mels, starts, "mel"), tokens, torch.from_numpy(speakers), frames)
