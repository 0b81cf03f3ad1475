"""speechbrain's ECAPA-TDNN imports beside any build of torch, and the process is otherwise as it was.

What an import does to a process shows only in a fresh one, so that most of these run in an interpreter of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from streamflow.speechbrain_import import load_ecapa

REPOSITORY = Path(__file__).resolve().parents[2]
FAILS_TO_LOAD = (
    "import torch\n"
    "def fails(path): raise OSError(f'Could not load this library: {path}')\n"
    "torch.ops.load_library = fails\n"
)
# what the extension brings when it loads, as far as importing torchaudio asks for it
LOADS = (
    "import torch\nloaded = []\ntorch.ops.load_library = loaded.append\n"
    "operators = torch.library.Library('torchaudio', 'DEF')\n"
    "operators.define('_lfilter_core_loop(Tensor a, Tensor b, Tensor c) -> Tensor')\n"
    "operators.define('_overdrive_core_loop(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e) -> ()')\n"
    "torch.ops._torchaudio.cuda_version = lambda: None\n"
    "torch.ops._torchaudio.is_align_available = lambda: True\n"
)


def in_fresh_process(code: str, folder: Path | None = None) -> str:
    """What `code` prints on stdout and stderr together, with `folder` ahead of everything installed."""
    path = os.pathsep.join(str(entry) for entry in (folder, REPOSITORY) if entry)
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop("SB_DISABLE_QUIRKS", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def test_the_class_makes_embeddings():
    model = load_ecapa()(80, channels=[32] * 4 + [96], lin_neurons=24, attention_channels=8).eval()
    with torch.inference_mode():
        embeddings = model(torch.randn(2, 120, 80, generator=torch.Generator().manual_seed(0)))
    assert embeddings.shape == (2, 1, 24)
    assert not torch.allclose(embeddings[0], embeddings[1])


def test_the_class_is_speechbrains_own_and_the_same_every_time():
    assert load_ecapa() is load_ecapa()
    assert load_ecapa().__module__ == "speechbrain.lobes.models.ECAPA_TDNN"


@pytest.fixture(scope="module")
def lines_of_a_process_that_loaded_it() -> list[str]:
    """What a process prints that logs at INFO, loads the class and then looks at its own state; it takes seconds."""
    return in_fresh_process(
        "import logging, os, pickle, sys, numpy, torch; logging.basicConfig(level=logging.INFO)\n"
        "def settings():\n"
        "    profiling = torch._C._jit_set_profiling_mode(True)  # gives what was set before\n"
        "    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn\n"
        "    switch = os.environ.get('SB_DISABLE_QUIRKS')\n"
        "    return cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, profiling, switch\n"
        "before = settings()\n"
        "from streamflow.speechbrain_import import load_ecapa; load_ecapa()\n"
        "print('settings before', before)\n"
        "print('settings after', settings())\n"
        "for module in list(sys.modules.values()): getattr(module, '__file__', None)\n"
        "print('ufunc pickled', pickle.loads(pickle.dumps(numpy.add)) is numpy.add)\n"
    ).splitlines()


def test_importing_says_nothing_even_to_a_log_at_info(lines_of_a_process_that_loaded_it):
    assert lines_of_a_process_that_loaded_it[0].startswith("settings before")


def test_torch_keeps_its_settings(lines_of_a_process_that_loaded_it):
    before, after = (line.partition("(")[2] for line in lines_of_a_process_that_loaded_it if "settings" in line)
    assert before == after
    assert before == "False, True, False, True, None)"  # torch's defaults, so that a change would have shown


def test_walking_over_all_modules_still_works(lines_of_a_process_that_loaded_it):
    assert lines_of_a_process_that_loaded_it[-1] == "ufunc pickled True"


def test_torchaudio_is_whole_but_for_the_extension_where_that_does_not_load():
    printed = in_fresh_process(
        FAILS_TO_LOAD + "from streamflow.speechbrain_import import import_torchaudio\n"
        "ta = import_torchaudio()\n"
        "import torchaudio; assert torchaudio is ta\n"
        "print(ta._extension._IS_TORCHAUDIO_EXT_AVAILABLE)\n"
        "print(ta._extension._load_lib.__qualname__, ta._extension.utils._load_lib.__qualname__)\n"
        "print(*ta.compliance.kaldi.fbank(torch.ones(1, 1600), num_mel_bins=80).shape)\n"
        "print(*ta.functional.lowpass_biquad(torch.ones(1, 100), 16000, 1000).shape)\n"
        "try: ta.functional.forced_align(torch.zeros(1, 5, 3), torch.ones(1, 2, dtype=torch.int32))\n"
        "except RuntimeError as error: print(error)\n"
    ).splitlines()
    # torchaudio's own function is back in both places, and its Python parts work
    assert printed[:4] == ["False", "_load_lib _load_lib", "8 80", "1 100"]
    # what needs the extension explains itself in torchaudio's words
    assert "not compiled with it" in printed[4]


def test_nothing_is_changed_where_the_extension_loads():
    printed = in_fresh_process(
        LOADS + "from streamflow import speechbrain_import\n"
        "def never(): raise AssertionError('the way round was taken')\n"
        "speechbrain_import._unloadable_extension_is_absent = never\n"
        "ta = speechbrain_import.import_torchaudio()\n"
        "print(ta._extension._IS_TORCHAUDIO_EXT_AVAILABLE, len(loaded))\n"
    )
    assert printed == "True 2"


def test_a_speechbrain_that_was_imported_before_is_left_as_it_was():
    printed = in_fresh_process(
        "import sys; from streamflow.speechbrain_import import import_torchaudio, load_ecapa\n"
        "import_torchaudio(); import speechbrain; names = set(sys.modules)\n"
        "load_ecapa(); print(names <= set(sys.modules), 'speechbrain.pretrained' in sys.modules)\n"
    )
    assert printed == "True True"


CLEAR_ERROR = (
    "from streamflow.errors import StreamflowError\n"
    "from streamflow.speechbrain_import import load_ecapa\n"
    "try: load_ecapa()\n"
    "except StreamflowError as error: print(error)\n"
)


def test_a_missing_torchaudio_is_one_clear_line():
    printed = in_fresh_process("import sys; sys.modules['torchaudio'] = None\n" + CLEAR_ERROR)
    assert printed.startswith("torchaudio is not installed") and "pip install torchaudio" in printed
    assert "\n" not in printed


@pytest.mark.parametrize(
    "init",
    [
        "raise OSError('libc10_cuda.so: cannot open shared object file')",  # no loader left behind to work with
        "raise ImportError('Failed to load libtorchaudio')",
        "raise RuntimeError('PyTorch and TorchAudio were compiled with different CUDA versions')",
    ],
)
def test_a_torchaudio_that_cannot_be_helped_is_one_clear_line(tmp_path, init):
    (tmp_path / "torchaudio").mkdir()
    (tmp_path / "torchaudio" / "__init__.py").write_text(init)
    printed = in_fresh_process(CLEAR_ERROR, folder=tmp_path)
    assert printed.startswith("torchaudio ") and "requirements.lock" in printed and "\n" not in printed
    assert init.split("'")[1] in printed  # the reason is kept


def test_a_missing_speechbrain_is_one_clear_line(tmp_path):
    (tmp_path / "torchaudio.py").touch()  # one that imports at once: this is not about it
    printed = in_fresh_process("import sys; sys.modules['speechbrain'] = None\n" + CLEAR_ERROR, folder=tmp_path)
    assert printed.startswith("speechbrain ") and "requirements.lock" in printed and "\n" not in printed
