"""A bundle: the weights that belong together (speaker encoder, tokenizer, decoder and its differences, vocoder).

NAME/bundle.json                the configuration of each part
NAME/speaker.safetensors        and so on, float16 (loaded as float32)
NAME/decoder.safetensors        phase 1
NAME/decoder-PATTERN.safetensors   phase 2, as a low-rank difference to phase 1
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from .adapters import merge
from .attention import AttentionPattern, Reach
from .audio import SAMPLE_RATE
from .bundle_card import checked_card, pattern_of_card, token_ahead_of_card
from .conditioning import PromptEncoder, PromptEncoderConfig
from .devices import device_of
from .dit import DiT, DiTConfig
from .errors import CheckpointError
from .mel import BANDS, FRAME_RATE, FRAMES_PER_TOKEN, log_mel
from .packed import pack_linears, precision_of
from .speaker import SpeakerConfig, SpeakerEncoder
from .stored_weights import expanded, merge_card, save_part
from .tokenizer import Tokenizer, TokenizerConfig
from .vocoders import build_vocoder, vocoder_shape

PRETRAINED = Path(__file__).parent / "pretrained"
CONFIGS = {
    "speaker": SpeakerConfig,
    "tokenizer": TokenizerConfig,
    "decoder": DiTConfig,
    "prompt": PromptEncoderConfig,
}


class Bundle:
    """Weights in a folder, each part loaded when it is first asked for.

    Args:
        directory: with bundle.json.
        dtype: "float32"; or "bfloat16" for the factors of the decoder's matrix products, on processors that have it.
        device: "cpu", "cuda" or "auto", of decoder and vocoder. Tokenizer and encoders of the voice stay on the CPU: they
            work once an utterance, and tokens rounded elsewhere would be other tokens.
    """

    def __init__(self, directory: str | Path, dtype: str = "float32", device: str | torch.device = "cpu"):
        self.directory, self.device = Path(directory), device_of(device)
        self.precision = precision_of(dtype, self.device)
        path = self.directory / "bundle.json"
        try:
            self.card: dict = checked_card(json.loads(path.read_text()), path)
        except FileNotFoundError:
            raise CheckpointError(f"{path}: no such file; train the parts first with: streamflow train") from None
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read ({error.strerror}); restore it") from None
        except ValueError as error:
            raise CheckpointError(f"{path}: not valid JSON ({error}); restore it") from None

    def of_type(self, dtype: str) -> Bundle:
        """The same weights on the same device, with another type of the products' factors."""
        return type(self)(self.directory, dtype, self.device)

    @property
    def name(self) -> str:
        return self.directory.name

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of bundle.json and of every weight file, by file name."""
        files = [self.directory / "bundle.json", *sorted(self.directory.glob("*.safetensors"))]
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    @cached_property
    def sample_rate(self) -> int:
        """Samples a second of what the vocoder makes of the decoder's mel; read from bundle.json alone.

        Raises:
            CheckpointError: no vocoder, or one that was made for another mel than the decoder's.
        """
        shape = vocoder_shape(self._card("vocoder"))
        stated = self.card.get("sample_rate", SAMPLE_RATE)
        problem = ""
        if shape.sample_rate != stated:
            problem = f"makes {shape.sample_rate} Hz, bundle.json states {stated} Hz"
        elif "decoder" in self.card and shape.sample_rate != FRAME_RATE * shape.hop:
            frames = shape.sample_rate / shape.hop
            problem = f"takes {frames:g} frames a second ({shape.hop} samples each), the decoder makes {FRAME_RATE}"
        elif "decoder" in self.card and shape.bands != BANDS:
            problem = f"takes {shape.bands} mel bands, the decoder makes {BANDS}"
        if problem:
            raise CheckpointError(f"{self.directory}: the vocoder {problem}; take the one that belongs to the decoder")
        return stated

    @property
    def tokens_per_second(self) -> float:
        """Of speech: what the decoder takes; read from bundle.json alone.

        Raises:
            CheckpointError: the tokenizer makes another number.
        """
        frames = self.config("decoder").frames_per_token
        if "tokenizer" in self.card and frames != FRAMES_PER_TOKEN:
            raise CheckpointError(
                f"{self.directory}: the tokenizer makes {FRAME_RATE / FRAMES_PER_TOKEN:g} tokens a second, the decoder "
                f"takes {FRAME_RATE / frames:g}; take the one that belongs to the decoder, or none"
            )
        return FRAME_RATE / frames

    @property
    def codebook(self) -> int:
        """Tokens are from 0 to below this; read from bundle.json alone."""
        config = self.config("decoder")
        return config.table or math.prod(config.levels)

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that a manifest must have in place of parts that the bundle lacks."""
        parts = {"tokens": "tokenizer", "voice": "speaker"}
        return tuple(column for column, part in parts.items() if part not in self.card)

    @property
    def patterns(self) -> list[str]:
        """Names of the attention patterns that there are weights for."""
        base = [] if self.converted and "decoder" not in self.card else [self.first_pattern]
        return [*base, *self.card.get("differences", {})]

    @property
    def first_pattern(self) -> str:
        """The pattern that decoder.safetensors was trained under: ``full``, but for converted weights."""
        return self.card.get("decoder_pattern", {}).get("name", "full")

    def pattern(self, name: str) -> AttentionPattern:
        """The attention pattern that the weights ``name`` were trained under."""
        self.weights_of(name)
        layers = self.config("decoder").layers
        if name == "full":
            return AttentionPattern(1, (Reach(None, None),) * layers)
        saved = self.card["decoder_pattern"] if name == self.first_pattern else self.card["differences"][name]
        return pattern_of_card(saved, layers, name, self.directory / "bundle.json")

    def weights_of(self, pattern: str) -> str:
        """File of a pattern's weights.

        Raises:
            CheckpointError: there are none.
        """
        if pattern not in self.patterns:
            remedy = (
                "name one of these"
                if self.converted
                else f"train them with: streamflow train decoder --pattern {pattern}"
            )
            raise CheckpointError(
                f"{self.directory}: no weights for {pattern}, only {', '.join(self.patterns) or 'no decoder'}; {remedy}"
            )
        return "decoder" if pattern == self.first_pattern else f"decoder-{pattern}"

    @property
    def converted(self) -> bool:
        """The weights were published elsewhere; parts may be missing."""
        return "source" in self.card

    @property
    def parts(self) -> list[str]:
        """Parts beside the decoder that a whole bundle has: three, or those that were converted."""
        if not self.converted:
            return ["speaker", "tokenizer", "vocoder"]
        return [part for part in ("speaker", "prompt", "vocoder") if part in self.card]

    @cached_property
    def prompt(self) -> PromptEncoder:
        """The encoder of the reference mel, of decoders that have one."""
        return self._load("prompt", PromptEncoder)

    @property
    def voices(self) -> list[str]:
        """Names of the voices that came with the weights."""
        return list(self.card.get("voices", []))

    def voice(self, name: str) -> np.ndarray:
        """The speaker vector float32 ``[D]`` of a voice that came with the weights, for a session's request.

        Raises:
            CheckpointError: there is none of that name.
        """
        if name not in self.voices:
            raise CheckpointError(f"{self.directory}: no voice {name}; there are {', '.join(self.voices) or 'none'}")
        path = self.directory / "voices.safetensors"
        state = _floating(self._state("voices"), path)
        try:
            mel, xvector = state[f"{name}.mel"], state[f"{name}.xvector"]
        except KeyError as error:
            raise CheckpointError(f"{path}: has no {error}; convert it again") from None
        with torch.inference_mode():
            return self.prompt.voice(mel[None], xvector[None])[0].numpy()

    @cached_property
    def speaker(self) -> SpeakerEncoder:
        return self._load("speaker", SpeakerEncoder)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return self._load("tokenizer", Tokenizer)

    @cached_property
    def vocoder(self) -> nn.Module:
        card = self._card("vocoder")
        return self._fill("vocoder", self._built("vocoder", lambda: build_vocoder(card))).to(self.device)

    def decoder(self, pattern: str = "full") -> DiT:
        """The DiT with the weights of ``pattern``, made once."""
        made = self.__dict__.setdefault("_decoders", {})
        if pattern not in made:
            file = self.weights_of(pattern)
            state = self._state("decoder")
            path = self.directory / f"{file}.safetensors"
            if pattern != self.first_pattern:
                state = self._merged(state, pattern, path)
            config = dataclasses.replace(self.config("decoder"), token_ahead=self.token_ahead(pattern))
            made[pattern] = _fit(self._built("decoder", lambda: DiT(config)), state, path).to(self.device)
        return pack_linears(made[pattern], self.precision)

    def token_ahead(self, pattern: str) -> int:
        """Tokens after its own that a token's embedding hears under the weights of ``pattern``."""
        saved = self.card.get("differences", {}).get(pattern, {})
        return token_ahead_of_card(saved, pattern, self.directory / "bundle.json")

    def _merged(self, state: dict[str, Tensor], pattern: str, path: Path) -> dict[str, Tensor]:
        """Phase 1's ``state`` changed to the weights of ``pattern``, if it is phase 1 that the change was trained on."""
        trained_on = self.card["differences"][pattern].get("decoder_id")
        if trained_on != self.card.get("decoder_id"):
            raise CheckpointError(f"{path}: is a difference to other phase 1 weights; train {pattern} again")
        change = _floating(self._state(path.stem), path)
        try:
            return merge(state, change)
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"{path}: does not fit decoder.safetensors ({error}); train {pattern} again"
            ) from None

    def tokenize(self, audio: np.ndarray) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz to int64 tokens ``[n / 640, K]``."""
        tokenizer, speaker = self.tokenizer, torch.from_numpy(self.embed_speaker(audio))
        return tokenizer.tokenize(log_mel(audio), speaker).numpy()

    def embed_speaker(self, audio: np.ndarray) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz to a float32 unit vector ``[D]``."""
        return self.speaker.embed(audio).numpy()

    def config(self, part: str):
        """The configuration of a part.

        Raises:
            CheckpointError: the bundle has no such part, or one that this version cannot read.
        """
        saved = {k: tuple(v) if isinstance(v, list) else v for k, v in self._card(part).items()}
        config = self._built(part, lambda: CONFIGS[part](**saved))
        if part == "decoder" and self._built(part, lambda: config.width % (2 * config.heads)):
            raise CheckpointError(
                f"{self.directory}/bundle.json: decoder: {config.heads} heads do not divide a width of {config.width} "
                "into even parts; correct it"
            )
        return config

    def _built(self, part: str, make: Callable[[], Any]) -> Any:
        """What ``make`` makes of a part's card, which a person may have written."""
        try:
            return make()
        except (TypeError, ValueError, ArithmeticError, LookupError, RuntimeError) as error:
            text = " ".join(str(error).split())
            raise CheckpointError(f"{self.directory}/bundle.json: {part}: {text}; correct it") from None

    def _card(self, part: str) -> dict:
        if part not in self.card:
            remedy = "it was converted without" if self.converted else f"train it with: streamflow train {part}"
            raise CheckpointError(f"{self.directory}: has no {part}; {remedy}")
        return self.card[part]

    def _load(self, part: str, kind: type[nn.Module]) -> nn.Module:
        config = self.config(part)
        return self._fill(part, self._built(part, lambda: kind(config)))

    def _fill(self, part: str, module: nn.Module) -> nn.Module:
        return _fit(module, self._state(part), self.directory / f"{part}.safetensors")

    def _state(self, file: str) -> dict[str, Tensor]:
        path = self.directory / f"{file}.safetensors"
        try:
            state = load_file(path)
        except FileNotFoundError:
            raise CheckpointError(
                f"{path}: no such file; train it with: streamflow train {file.split('-')[0]}"
            ) from None
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path}: damaged ({error}); restore it from the repository") from None
        try:
            return expanded(state)
        except KeyError as error:
            raise CheckpointError(f"{path}: 8-bit weights without {error}; restore it") from None


def _fit(module: nn.Module, state: dict[str, Tensor], path: Path) -> nn.Module:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: does not fit bundle.json ({str(error).splitlines()[1].strip()})") from None
    for name, own in module.state_dict().items():
        if state[name].is_floating_point() != own.is_floating_point():
            raise CheckpointError(f"{path}: {name} is stored as {state[name].dtype} and is {own.dtype}; restore it")
        if own.is_floating_point() and not torch.isfinite(own).all():
            raise CheckpointError(f"{path}: {name} holds a value that is not finite; restore it")
    return pack_linears(module.eval().requires_grad_(False))


def _floating(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """``state``, none of which may be stored as whole numbers: merged or computed with, they would pass for weights."""
    for name, value in state.items():
        if not value.is_floating_point():
            raise CheckpointError(f"{path}: {name} is stored as {value.dtype} and is a weight; restore it")
    return state


def load_bundle(name: str | Path = "small", dtype: str = "float32", device: str | torch.device = "cpu") -> Bundle:
    """A shipped bundle by name, or any by its folder; ``dtype`` and ``device`` as :class:`Bundle` takes them.

    Raises:
        CheckpointError: there is none of that name, or the processor does not have the type.
        StreamflowError: there is no such device.
    """
    if (Path(name) / "bundle.json").exists():
        return Bundle(name, dtype, device)
    shipped = sorted(p.parent.name for p in PRETRAINED.glob("*/bundle.json"))
    if str(name) in shipped:
        return Bundle(PRETRAINED / name, dtype, device)
    near = difflib.get_close_matches(str(name), shipped, n=1)
    hint = (
        f"; did you mean {near[0]}?" if near else f"; shipped: {', '.join(shipped)}; or name a folder with bundle.json"
    )
    raise CheckpointError(f"unknown checkpoint {name}{hint}")


def pack(source: Bundle, out: str | Path, eight_bit: tuple[str, ...] = ()) -> Bundle:
    """Copy the weights of a bundle to ``out``, the matrices of the parts named in ``eight_bit`` in 8 bits.

    Raises:
        CheckpointError: a part that the bundle does not have.
    """
    if missing := [p for p in eight_bit if not (source.directory / f"{p}.safetensors").exists()]:
        raise CheckpointError(f"{source.directory}: has no {missing[0]}; name one of its parts")
    for path in sorted(source.directory.glob("*.safetensors")):
        save_part(out, path.stem, source._state(path.stem), {}, eight_bit=path.stem in eight_bit)
    merge_card(Path(out), source.card)
    return Bundle(out)
