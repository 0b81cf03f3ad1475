"""Small sets of stimuli as ``streamflow study create`` leaves them: ``stimuli.json`` and, if wanted, real sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.storage import sha256_of, write_bytes, write_json
from listening_tests.model import ANCHOR_LOW, ANCHOR_MID, REFERENCE, Stimulus
from listening_tests.stimuli.stimulus_set import StimulusSet
from listening_tests.stimuli.wav import encode_wav
from listening_tests.study import Design, Screening, Study

RATE = 16_000
SEAMS = (3_840, 19_200, 34_560)  # 0.24, 1.2 and 2.16 s
SECONDS = 2.5


def make_set(
    folder: Path, systems: tuple[str, ...], sentences: int, *, training: int = 0, traps: int = 0, sounds: bool = False
) -> StimulusSet:
    """Every system, the reference and both anchors of every sentence; training sentences and traps beside them.

    ``full`` has no seams. Training sentences are clips of the first and the last system; trap k has 1 + k mod 5 beeps in the
    last system's clip.
    """
    rows: list[Stimulus] = []

    def add(sentence: str, system: str, role: str, **more: Any) -> None:
        number = len(rows)
        stimulus_id = f"{sha256_of(str(number).encode())[:16]}"
        content = b""
        if sounds:
            time_s = np.arange(int(SECONDS * RATE)) / RATE
            content = encode_wav((8000 * np.sin(2 * np.pi * (200 + 10 * number) * time_s)).astype(np.int16), RATE)
            write_bytes(folder / "stimuli" / f"{stimulus_id}.wav", content)
        seams = () if system == "full" or role != "test" else SEAMS
        rows.append(
            Stimulus(
                stimulus_id, sentence, system, role, int(SECONDS * RATE), RATE, sha256_of(content), seams=seams, **more
            )
        )

    for index in range(sentences):
        for system in systems:
            add(f"utterance-{index}", system, "test")
        add(f"utterance-{index}", REFERENCE, "reference")
        for anchor in (ANCHOR_LOW, ANCHOR_MID):
            add(f"utterance-{index}", anchor, "anchor")
    for index in range(training):
        for system in {systems[0]: 0, systems[-1]: 0}:
            add(f"training-{index}", system, "training")
        add(f"training-{index}", REFERENCE, "reference")
    for index in range(traps):
        add(f"utterance-{index % sentences}", systems[-1], "trap", key={"beeps": 1 + index % 5})
    write_json(folder / "stimuli.json", {"stimuli": [row.table() for row in rows], "level": {}})
    return StimulusSet(folder)


def make_study(
    protocol: str,
    systems: tuple[str, ...],
    *,
    seed: int = 0,
    design: dict | None = None,
    screening: dict | None = None,
    **more: Any,
) -> Study:
    """A study of that protocol with no screening but what is asked for."""
    nothing = {"level": False, "training": 0, "traps": 0}
    return Study(
        title="Speech", protocol=protocol, systems=systems, seed=seed, design=Design(**(design or {})),
        screening=Screening(**{**nothing, **(screening or {})}), **more,
    )  # fmt: skip
