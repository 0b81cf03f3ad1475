"""Decoding on an accelerator, proven where there is none: weights on a fake CUDA device, and no other tensor may meet them.

Torch's fake tensors know shapes and devices but no values, and an operation on tensors of two devices raises. Sessions are
driven to their end on such weights; only the transfer of finished samples to the host is put in the test's place.
"""

from __future__ import annotations

import copy
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from streamflow import batch_windows, crossfade, decoder_session, devices, past
from streamflow.batching import batched_system
from streamflow.checkpoints import Bundle, load_bundle
from streamflow.decoding import Evaluator, MelStream
from streamflow.devices import device_of, waiting
from streamflow.errors import StreamflowError
from streamflow.packed import PackedLinear
from streamflow.random_weights import RandomBundle
from streamflow.session import StreamRequest
from streamflow.strategies import STRATEGIES, make_system
from streamflow.strategies import controls as controls_module

GPU = torch.device("cuda:0")
CASES = [
    *((name, {}) for name in STRATEGIES if name != "tokenizer"),  # which is not moved
    *(("streamflow-lr", {"past": past}) for past in ("window", "frozen", "inpainted")),
    ("streamflow-sr", {"past": "inpainted", "guidance": 0.0}),
    ("causal", {"cached": False}),
    ("cosyvoice", {"cached": True}),
    ("naive", {"crossfade": 0.2}),
    ("overlap", {"fade_window": "hann"}),
]
BATCHED = [
    *(("streamflow-sr", {"past": past}) for past in ("window", "frozen", "inpainted")),
    ("streamflow-q0", {}),
    ("clean-prefix", {}),
    ("cosyvoice", {}),
    ("cosyvoice", {"cached": True}),
]


def indexed(tensor: torch.Tensor, index: object) -> torch.Tensor:
    """``tensor[index]`` of slices, numbers, None and ..., in operations that need no driver, which C++'s own asks for."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        missing = tensor.ndim - sum(part is not None and part is not Ellipsis for part in parts)
        parts[at : at + 1] = [slice(None)] * missing
    axis = 0
    for part in parts:
        if part is None:
            tensor, axis = tensor.unsqueeze(axis), axis + 1
        elif isinstance(part, slice):
            begin, end, step = part.indices(tensor.shape[axis])
            tensor, axis = torch.ops.aten.slice.Tensor(tensor, axis, begin, max(begin, end), step), axis + 1
        elif isinstance(part, int):
            tensor = tensor.select(axis, part)
        else:
            raise TypeError(f"no rule for an index of type {type(part)}")
    return tensor


def put(tensor: torch.Tensor, index: object, value: torch.Tensor | bool) -> None:
    """``tensor[index] = value``, of one device: torch itself would copy between two of them. There are no values to copy."""
    place = indexed(tensor, index)
    if not isinstance(value, bool):
        assert value.device == tensor.device
        torch.broadcast_to(value, place.shape)


@pytest.fixture(autouse=True)
def indexing_without_a_driver(monkeypatch):
    monkeypatch.setattr(FakeTensor, "__getitem__", indexed, raising=False)
    monkeypatch.setattr(FakeTensor, "__setitem__", put, raising=False)


def forget() -> None:
    """Everything that streamflow's functions keep: tensors of the one kind must not meet the other's."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "streamflow":
            for kept in vars(module).values():
                if hasattr(kept, "cache_clear"):
                    kept.cache_clear()


@pytest.fixture(scope="module")
def on_gpu(bundle):
    """The tiny bundle with its decoders and vocoder on a CUDA device that is not there, and the mode that it is in."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)  # tokens and noise come from NumPy, as real tensors
    _ = bundle.tokenizer, bundle.speaker  # loaded before there is nothing but fake tensors
    fake = copy.copy(bundle)
    fake.device = GPU
    originals = {name: copy.deepcopy(bundle.decoder(name)) for name in bundle.patterns}
    vocoder = copy.deepcopy(bundle.vocoder)
    with mode:
        fake.__dict__["_decoders"] = {name: _moved(module) for name, module in originals.items()}
        fake.__dict__["vocoder"] = _moved(vocoder)
    forget()
    yield fake, mode
    forget()


def _moved(module: torch.nn.Module) -> torch.nn.Module:
    for part in module.modules():
        for tensors in (part._parameters, part._buffers):
            for name, value in tensors.items():
                if value is not None:
                    tensors[name] = value.to(GPU)
    return module


@pytest.fixture
def transfers(monkeypatch) -> list[FakeTensor]:
    """What was brought to the host; zeros take its place."""
    seen: list[FakeTensor] = []

    def to_host(samples: torch.Tensor) -> np.ndarray:
        seen.append(samples)
        return np.zeros(samples.shape, np.float32)

    for module in (decoder_session, controls_module):
        monkeypatch.setattr(module, "to_host", to_host)
    monkeypatch.setattr(decoder_session, "wait", lambda device: None)
    return seen


@pytest.fixture(scope="module")
def short(request_) -> StreamRequest:
    """Six blocks: as far as the widest pattern reaches, and one more."""
    return replace(request_, tokens=request_.tokens[:12], reference=request_.reference[: 12 * 640])


def driven(system, request: StreamRequest) -> int:
    """Samples of a session driven to its end in pushes of 3 tokens."""
    session, samples = system(request), 0
    for start in range(0, len(request.tokens), 3):
        samples += sum(len(chunk.samples) for chunk in session.push(request.tokens[start : start + 3]))
    return samples + sum(len(chunk.samples) for chunk in session.finish())


def assert_all_on_gpu(transfers: list[FakeTensor]) -> None:
    assert transfers and all(isinstance(t, FakeTensor) and t.device == GPU for t in transfers)


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=lambda v: v if isinstance(v, str) else str(v))
def test_every_strategy_stays_on_the_device_of_its_weights(on_gpu, short, transfers, name, parameters):
    bundle, mode = on_gpu
    with mode:
        system = make_system(name, bundle, **parameters)
        assert driven(system, short) == len(short.tokens) * 640
    assert_all_on_gpu(transfers)
    assert system.describe()["device"] == "cuda"


@pytest.mark.parametrize(("name", "parameters"), BATCHED, ids=lambda v: v if isinstance(v, str) else str(v))
def test_batched_streams_stay_on_the_device_of_their_weights(on_gpu, short, transfers, name, parameters):
    """Three streams of unlike length in one thread each; the batches are as large as their order makes them."""
    bundle, mode = on_gpu
    system, batcher = batched_system(name, bundle, **parameters)
    turn = threading.RLock()  # fake tensors know of one thread at a time: whoever waits for a batch gives it away
    batcher._changed = threading.Condition(turn)
    errors: list[BaseException] = []
    done: list[int] = []

    def run(tokens: np.ndarray) -> None:
        try:
            with turn, mode:
                session, samples = system(StreamRequest("u", short.speaker, 0, tokens=tokens)), 0
                samples += sum(len(chunk.samples) for chunk in session.push(tokens))
                done.append(samples + sum(len(chunk.samples) for chunk in session.finish()))
        except BaseException as error:
            errors.append(error)

    lengths = (12, 9, 7)
    threads = [threading.Thread(target=run, args=(short.tokens[:n],), daemon=True) for n in lengths]
    with batcher.held():
        for thread in threads:
            thread.start()
        assert batcher.wait_for(len(threads), 300.0) or errors
    for thread in threads:
        thread.join()
    assert not errors, errors[0]
    assert sorted(done) == sorted(n * 640 for n in lengths) and max(batcher.sizes) > 1
    assert_all_on_gpu(transfers)


def left_on_the_cpu(monkeypatch, what: str) -> None:
    """Take one tensor's way to the device out of the code."""
    if what == "masks":
        made = past.cones
        monkeypatch.setattr(past, "cones", lambda *arguments: made(*arguments[:-1]))
    elif what == "rotary tables":
        made = batch_windows.rotary_table
        monkeypatch.setattr(batch_windows, "rotary_table", lambda *arguments: made(*arguments[:-1]))
    elif what == "speaker":
        original = MelStream.__init__

        def begun(stream: MelStream, evaluator: Evaluator, speaker: torch.Tensor, seed: int) -> None:
            original(stream, evaluator, speaker, seed)
            stream.speaker = speaker

        monkeypatch.setattr(MelStream, "__init__", begun)
    else:
        monkeypatch.setattr(crossfade.CrossFade, "join", lambda fade, piece, hold: piece + torch.zeros(piece.shape))


@pytest.mark.parametrize("what", ["masks", "rotary tables", "speaker", "mel"])
def test_a_tensor_that_is_left_on_the_cpu_is_noticed(on_gpu, short, transfers, monkeypatch, what):
    bundle, mode = on_gpu
    left_on_the_cpu(monkeypatch, what)
    with mode, pytest.raises(RuntimeError, match=r"all tensors to be on the same device|cuda:0, cpu|cpu, cuda:0"):
        driven(make_system("streamflow-sr", bundle, past="frozen"), short)


def test_a_bundle_puts_decoder_and_vocoder_on_its_device_and_nothing_else(bundle):
    """The device without values shows where parts are put, through the public door."""
    meta = torch.device("meta")
    there = load_bundle(bundle.directory, device=meta)
    for part in (there.decoder("streamflow-sr"), there.decoder("full"), there.vocoder):
        tensors = [*part.parameters(), *part.buffers()]
        assert tensors and all(t.device == meta for t in tensors)
    assert all(p.device.type == "cpu" for part in (there.tokenizer, there.speaker) for p in part.parameters())
    assert bundle.decoder("full").device.type == "cpu"


def test_weights_are_packed_on_the_cpu_alone(bundle):
    frames = torch.zeros(1, 8, 32, device="meta")
    for dtype, kept in (("float32", False), ("bfloat16", True)):
        layer = Bundle(bundle.directory, dtype, torch.device("meta")).decoder("full").blocks[0].qkv
        with torch.inference_mode():
            assert layer(frames).dtype == torch.float32 and layer(frames).shape == (1, 8, 96)
        assert ("_packed" in layer.__dict__) == kept
    assert isinstance(layer, PackedLinear) and layer.__dict__["_packed"][1].dtype == torch.bfloat16


def test_the_device_is_chosen_by_name():
    there = torch.cuda.is_available()
    assert device_of("cpu").type == "cpu" and device_of("auto").type == ("cuda" if there else "cpu")
    with pytest.raises(StreamflowError, match="unknown device gpu; choose auto, cpu or cuda"):
        device_of("gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_accelerator_that_is_not_there_is_an_error_with_a_remedy():
    with pytest.raises(StreamflowError, match="sees no CUDA device; use --device cpu"):
        load_bundle("small", device="cuda")


def test_samples_on_the_cpu_are_not_copied_and_its_clock_is_the_one_given():
    samples = torch.zeros(5)
    assert devices.to_host(samples).ctypes.data == samples.data_ptr()
    clock = iter([1.0, 2.0]).__next__
    assert waiting(clock, torch.device("cpu")) is clock


def test_a_bundle_of_random_weights_needs_no_files_and_decodes(request_, decode):
    made = RandomBundle("tiny")
    again = RandomBundle("tiny")
    tokens = request_.tokens % made.codebook
    for name in ("streamflow-sr", "streamflow-q0", "clean-prefix"):
        audio = decode(make_system(name, made)(request_), tokens)
        assert len(audio) == len(tokens) * 640 and np.ptp(audio) > 0
        np.testing.assert_array_equal(audio, decode(make_system(name, again)(request_), tokens))
    shared = made.decoder("streamflow-sr").blocks[0].up.weight
    assert shared.data_ptr() == made.decoder("full").blocks[0].up.weight.data_ptr()
    assert made.needs == ("tokens", "voice")


def test_the_paper_size_has_the_published_widths_and_a_bigvgan():
    card = RandomBundle("paper").card
    assert card["decoder"]["width"] == 1024 and card["decoder"]["layers"] == 22
    assert card["vocoder"]["type"] == "bigvgan"
    with pytest.raises(StreamflowError, match="unknown size huge"):
        RandomBundle("huge")
