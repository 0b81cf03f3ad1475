"""Error rates by real recognisers: pocketsphinx, and transformers' on a tiny model made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jiwer
import numpy as np
import pytest

from harness.metrics import REGISTRY, Pair, Unscored, get_metric, row_of
from harness.metrics import asr_models as models
from harness.metrics.word_errors import normalise
from streamflow.speechbrain_import import import_torchaudio

RATE = 16_000
LETTERS = "abcdefghijklmnopqrstuvwxyz'"


def rate(name: str, model: str, rendering: np.ndarray, text: str) -> float | Unscored:
    metric = get_metric(name, {"model": model})
    return metric.score_pair(Pair(rendering, None, text=text))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wav2vec 2.0 with a letter for every class, two layers and random weights: it hears nonsense, always the same."""
    import_torchaudio()  # transformers imports it, and by itself it may not load
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("models") / "tiny ctc"
    folder.mkdir()
    vocabulary = {token: place for place, token in enumerate(["<pad>", "<unk>", "|", *LETTERS])}
    (folder / "letters.json").write_text(json.dumps(vocabulary))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(
        str(folder / "letters.json"), pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|"
    )
    config = transformers.Wav2Vec2Config(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8, 8, 8), conv_stride=(8, 8, 5), conv_kernel=(16, 16, 5), num_feat_extract_layers=3,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.Wav2Vec2ForCTC(config)
    with torch.no_grad():  # random classes are all alike; spread them so that something is heard
        model.lm_head.weight *= 40
    model.save_pretrained(folder)
    transformers.Wav2Vec2Processor(transformers.Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def hub(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the hub that holds one model, and a hub that must not be asked."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    folder = cache / "models--somebody--tiny"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0123456789abcdef0123456789abcdef01234567")
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / "0123456789abcdef0123456789abcdef01234567").symlink_to(tiny)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    models._locate.cache_clear()
    yield cache
    models._locate.cache_clear()


def by_hand(folder: Path, samples: np.ndarray) -> str:
    """Greedy CTC decoding of the model's own answer."""
    import torch
    import transformers

    model = transformers.Wav2Vec2ForCTC.from_pretrained(folder).eval()
    standard = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    with torch.inference_mode():
        classes = model(torch.from_numpy(standard.astype(np.float32))[None]).logits[0].argmax(-1).tolist()
    tokens = ["", "", " ", *LETTERS]
    kept = [tokens[new] for old, new in zip([None, *classes], classes, strict=False) if new != old]
    return " ".join("".join(kept).split())


def test_a_transformers_model_hears_what_its_own_classes_say(tiny: Path, voices: dict[str, np.ndarray], rows: dict):
    for name in ("flite_rms_1", "flite_slt_1"):
        heard = by_hand(tiny, voices[name])
        text = rows[name]["text"]
        assert len(heard) > 5  # else the test would pass on silence
        assert rate("wer", str(tiny), voices[name], text) == pytest.approx(100 * jiwer.wer(normalise(text), heard))
        assert rate("cer", str(tiny), voices[name], text) == pytest.approx(100 * jiwer.cer(normalise(text), heard))
        assert rate("wer", str(tiny), voices[name], heard) == rate("cer", str(tiny), voices[name], heard) == 0


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper of one layer and random weights over single letters: what it says is nonsense, but by Whisper's way."""
    import_torchaudio()
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    folder = tmp_path_factory.mktemp("models") / "tiny whisper"
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({letter: place for place, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
               "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([f"<|{0.02 * place:.2f}|>" for place in range(1501)])
    fast = transformers.WhisperTokenizer(tokenizer_object=tokenizer, unk_token="<|endoftext|>", bos_token="<|endoftext|>",
                                         eos_token="<|endoftext|>", pad_token="<|endoftext|>")  # fmt: skip
    ids = {token: tokenizer.token_to_id(token) for token in special}
    config = transformers.WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(), d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2, num_mel_bins=80,
        pad_token_id=ids["<|endoftext|>"], bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"], suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.WhisperForConditionalGeneration(config)
    with torch.no_grad():  # so that letters win over silence and time stamps
        model.proj_out.weight[: len(letters)] *= 40
    model.generation_config = transformers.GenerationConfig(
        max_length=24, no_timestamps_token_id=ids["<|notimestamps|>"], is_multilingual=True, return_timestamps=False,
        lang_to_id={"<|en|>": ids["<|en|>"]}, task_to_id={"transcribe": ids["<|transcribe|>"]},
        pad_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"], bos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"], max_initial_timestamp_index=50,
    )  # fmt: skip
    model.save_pretrained(folder)
    transformers.WhisperProcessor(transformers.WhisperFeatureExtractor(), fast).save_pretrained(folder)
    return folder


def test_whisper_is_asked_for_long_speech_in_its_own_way(whisper: Path, speech: np.ndarray):
    from harness.metrics.asr import recogniser

    hear = recogniser(str(whisper))
    brief, long = hear(speech), hear(np.tile(speech, 15)[: 40 * RATE])
    assert brief == hear(speech) and len(brief) > 0
    assert len(long) > 0
    assert rate("wer", str(whisper), speech, "words") > 0


def test_a_language_is_told_to_models_that_take_one(whisper: Path, tiny: Path, speech: np.ndarray):
    english = get_metric("cer", {"model": str(whisper), "language": "en"})
    assert ",language-en]" in english.identity
    assert english.score_pair(Pair(speech, None, text="words")) > 0
    unknown = get_metric("cer", {"model": str(tiny), "language": "en"}).score_pair(Pair(speech, None, text="words"))
    assert "takes no language; leave it out" in unknown.reason


def test_speech_of_more_than_a_chunk_is_heard_to_its_end(tiny: Path, speech: np.ndarray):
    from harness.metrics.asr import recogniser

    long = np.tile(speech, 15)[: 40 * RATE]
    heard = recogniser(str(tiny))(long)
    first = recogniser(str(tiny))(long[: 28 * RATE])
    assert len(heard) > 1.2 * len(first) > 0


def test_the_identity_holds_the_weights_the_normaliser_and_the_packages(tiny: Path, tmp_path: Path):
    import shutil

    identity = get_metric("wer", {"model": str(tiny)}).identity
    assert identity.startswith("wer[jiwer-4.0.0;transformers-") and "nfkc-lower-no-punctuation-1" in identity
    assert str(tiny.parent) not in identity
    copy = Path(shutil.copytree(tiny, tmp_path / "elsewhere"))
    assert get_metric("wer", {"model": str(copy)}).identity == identity
    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    assert get_metric("wer", {"model": str(other)}).identity != identity


def test_a_hub_id_is_found_in_the_cache_and_its_revision_named(hub: Path, tiny: Path, speech: np.ndarray, rows: dict):
    text = rows["flite_rms_1"]["text"]
    assert ";somebody/tiny@0123456789ab;" in get_metric("wer", {"model": "somebody/tiny"}).identity
    assert rate("wer", "somebody/tiny", speech, text) == rate("wer", str(tiny), speech, text)


def test_a_model_that_cannot_be_had_offline_is_named(hub: Path, speech: np.ndarray):
    metric = get_metric("wer", {"model": "somebody/else"})
    assert "somebody/else-unavailable" in metric.identity
    value = metric.score_pair(Pair(speech, None, text="words"))
    assert value.reason.startswith("model 'somebody/else' is not in the local hub cache and HF_HUB_OFFLINE is set")


def test_what_is_no_recogniser_is_named(tmp_path: Path, speech: np.ndarray):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "does not load as a speech recogniser" in rate("wer", str(empty), speech, "words").reason
    for name in ("no/such/folder", "some--body/tiny", "a model"):
        assert "neither a folder nor a hub id" in rate("wer", name, speech, "words").reason
        assert f"{name}-unavailable" in get_metric("wer", {"model": name}).identity
    file = tmp_path / "weights.bin"
    file.write_bytes(b"weights")
    assert "neither a folder nor a hub id" in rate("wer", str(file), speech, "words").reason


@pytest.mark.parametrize("name", ["wer", "cer"])
def test_without_a_model_it_says_how_to_name_one(name: str, speech: np.ndarray):
    row = row_of(REGISTRY[name], REGISTRY[name].score_pair(Pair(speech, None, text="words")))
    assert row["value"] is None and f"name a model: --metric-option {name}.model=PATH" in row["unscored_because"]
    assert ";no-model;" in row["identity"]


def test_pocketsphinx_is_that_of_the_package_in_any_order(voices: dict[str, np.ndarray], rows: dict, noisy: Callable):
    import pocketsphinx

    names = ["flite_rms_1", "flite_awb_4"]
    expected = {}
    for name in names:
        decoder = pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL", cmn="batch")
        decoder.start_utt()
        decoder.process_raw((np.clip(voices[name], -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        expected[name] = 100 * jiwer.wer(normalise(rows[name]["text"]), decoder.hyp().hypstr)
    for name in [*reversed(names), *names]:
        rendering = voices[name].copy()
        rendering[0] += np.float32(1e-9)
        assert rate("wer", "pocketsphinx", rendering, rows[name]["text"]) == expected[name]
    assert np.mean(list(expected.values())) < 40
    buried = rate("wer", "pocketsphinx", noisy(voices["flite_rms_1"], 15), rows["flite_rms_1"]["text"])
    assert buried > expected["flite_rms_1"] + 30
    assert "pocketsphinx-5" in get_metric("wer", {"model": "pocketsphinx"}).identity


def test_a_text_without_words_is_a_reason(speech: np.ndarray):
    assert rate("wer", "pocketsphinx", speech, "... !").reason == "the text '... !' holds no word"
    assert "the corpus has none for this utterance" in rate("wer", "pocketsphinx", speech, " ").reason
    assert "silent" in rate("cer", "pocketsphinx", np.zeros(RATE, np.float32), "words").reason
