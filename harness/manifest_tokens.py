"""Tokens that come with the manifest: a file an utterance, for weights whose tokens no audio tokenizer here makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from streamflow.errors import StreamflowError

from .corpus import Corpus, CorpusError

LENGTH_TOLERANCE_S = 0.2  # tokens are whole, and a talker's last ones may be silence that the recording lacks
INTEGER = re.compile(r"[+-]?\d+")


class TokensError(StreamflowError):
    """A file of tokens that cannot be used."""


def check_columns(corpus: Corpus, checkpoint: Any) -> None:
    """Refuse a corpus without the columns that stand in for parts which the checkpoint lacks.

    Args:
        corpus: whose utterances are to be decoded.
        checkpoint: front end; ``needs`` names the columns, see :attr:`streamflow.checkpoints.Bundle.needs`.

    Raises:
        CorpusError: names the first utterance that has none.
    """
    needs = needed(checkpoint)
    for utterance in corpus.utterances:
        who = f"{corpus.path}: {utterance.utterance_id}"
        if "tokens" in needs and utterance.tokens_path is None:
            raise CorpusError(
                f"{who} has no tokens, and {checkpoint.name} has no tokenizer; add a column 'tokens' with a file of "
                f"integers a row (.npy or .txt, {checkpoint.tokens_per_second:g} a second), or take other weights"
            )
        if "voice" in needs and utterance.voice not in checkpoint.voices:
            raise CorpusError(
                f"{who} has the voice {utterance.voice or '(none)'}, and {checkpoint.name} has no speaker encoder; add a "
                f"column 'voice' with one of {', '.join(checkpoint.voices) or 'its voices, of which it has none'}"
            )


def needed(front_end: Any) -> tuple[str, ...]:
    """Columns of the manifest that a front end reads in place of parts of its own."""
    return tuple(getattr(front_end, "needs", ()))


def load_tokens(path: Path, codes: int, codebook: int) -> np.ndarray:
    """Read tokens.

    Args:
        path: ``.npy`` of integers ``[T]`` or ``[T, K]``, or text: integers between spaces, commas or line ends.
        codes: K.
        codebook: tokens are from 0 to below this.

    Returns:
        int64 ``[T, K]``.

    Raises:
        TokensError: no such file, neither of the two, of another shape, or outside of the codebook.
    """
    if not path.is_file():
        raise TokensError(f"{path}: no such file; check the manifest's tokens column")
    values = _array(path) if path.suffix.lower() == ".npy" else _text(path)
    if values.ndim == 1 and len(values) % codes == 0:
        values = values.reshape(-1, codes)
    if values.ndim != 2 or values.shape[1] != codes or not len(values):
        raise TokensError(f"{path}: holds {list(values.shape)} integers; the checkpoint takes [T, {codes}], T > 0")
    outside = np.argwhere((values < 0) | (values >= codebook))
    if len(outside):
        at = tuple(outside[0])
        raise TokensError(
            f"{path}: token {values[at]} at place {at[0]} is outside the codebook of {codebook}; "
            "give tokens of the model that the checkpoint is from"
        )
    return values.astype(np.int64)


def check_length(path: Path, tokens: int, tokens_per_second: float, recording_s: float) -> None:
    """Refuse tokens of another length than their recording's, which would be another recording's.

    Raises:
        TokensError: longer or shorter by more than 0.2 s.
    """
    length_s = tokens / tokens_per_second
    if abs(length_s - recording_s) > LENGTH_TOLERANCE_S:
        raise TokensError(
            f"{path}: {tokens} tokens are {length_s:.2f} s at {tokens_per_second:g} a second, and the recording lasts "
            f"{recording_s:.2f} s; give the tokens of this recording"
        )


def _array(path: Path) -> np.ndarray:
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:  # what numpy makes of a damaged file, or of one that holds objects
        raise TokensError(f"{path}: not readable as .npy ({type(error).__name__}); save an array of integers") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu":
        raise TokensError(f"{path}: holds {getattr(values, 'dtype', 'no array')}; save an array of integers")
    return values.astype(np.int64)


def _text(path: Path) -> np.ndarray:
    try:
        words = path.read_text(encoding="utf-8").replace(",", " ").split()
    except (OSError, UnicodeDecodeError):
        words = ["?"]
    if wrong := next((word for word in words if not INTEGER.fullmatch(word) or len(word) > 18), None):
        raise TokensError(
            f"{path}: holds {wrong[:20]!r}; write integers, with spaces, commas or line ends between them"
        )
    return np.array([int(word) for word in words], np.int64)
