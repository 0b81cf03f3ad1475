"""The stimuli of a study as they lie on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from harness.storage import key_of, read_json, sha256_of

from ..errors import StudyError
from ..model import Stimulus
from .wav import decode_wav

INDEX, SOUNDS = "stimuli.json", "stimuli"
KEPT = 64  # decoded sounds held in memory: some 25 MB at 12 s and 16 kHz


class StimulusSet:
    """``STUDY/stimuli.json`` and the files it names. Safe to read from several threads.

    Attributes:
        folder: the study's.
        stimuli: by id, in the order of the file.
        facts: what else the file says: ``level`` (policy and target), ``rate``, ``cuts`` (seconds at which a sentence
            was cut), ``left_out`` (sentences that could not be used, and why), ``range`` (best and worst system),
            ``training_sentences``.

    Raises:
        StudyError: no such file, or not one of ours.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / INDEX
        table = read_json(path)
        if table is None:
            raise StudyError(
                f"{path}: missing or not readable; make the study's stimuli again with `streamflow study create`"
            )
        try:
            # as they lie there: what a later version adds to a stimulus must not change what was frozen
            self._rows: list[Mapping[str, Any]] = list(table["stimuli"])
            stimuli = [Stimulus.from_table(row) for row in self._rows]
            self.facts: dict[str, Any] = {name: value for name, value in table.items() if name != "stimuli"}
        except (KeyError, TypeError, AttributeError) as error:
            raise StudyError(f"{path}: not a list of stimuli ({error}); make them again") from None
        if named_like_a_path := next((s.stimulus_id for s in stimuli if not s.stimulus_id.isalnum()), None):
            raise StudyError(
                f"{path}: {named_like_a_path!r} is not a stimulus id (letters and digits); make them again"
            )
        self.stimuli: dict[str, Stimulus] = {stimulus.stimulus_id: stimulus for stimulus in stimuli}
        self._found: dict[tuple[str, str, str], Stimulus] = {}
        for stimulus in stimuli:
            self._found.setdefault((stimulus.sentence, stimulus.system, stimulus.role), stimulus)
        self._decoded: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = Lock()

    @property
    def sentences(self) -> list[str]:
        """Every sentence that has a sound, in the order of the corpus; those kept for training among them."""
        return list(dict.fromkeys(stimulus.sentence for stimulus in self.stimuli.values()))

    @property
    def rate(self) -> int:
        """Samples a second, the same for all."""
        return next(iter(self.stimuli.values())).rate

    def find(self, sentence: str, system: str, role: str = "test") -> Stimulus | None:
        """The sound of a sentence by a system in a role, or None."""
        return self._found.get((sentence, system, role))

    def of_role(self, role: str) -> list[Stimulus]:
        """All sounds of a role (``test``, ``reference``, ``anchor``, ``trap``, ``training``), in the file's order."""
        return [stimulus for stimulus in self.stimuli.values() if stimulus.role == role]

    def path(self, stimulus_id: str) -> Path:
        """Where a sound lies.

        Raises:
            StudyError: no such stimulus; an id from outside cannot name any other file.
        """
        if stimulus_id not in self.stimuli:
            raise StudyError(f"{self.folder}: no stimulus {stimulus_id!r:.40}; build the stimuli again")
        return self.folder / SOUNDS / f"{stimulus_id}.wav"

    def samples(self, stimulus_id: str) -> np.ndarray:
        """int16 ``[n]``, read-only.

        Raises:
            StudyError: no such stimulus, or its file is missing or damaged.
        """
        path = self.path(stimulus_id)
        with self._lock:
            if stimulus_id in self._decoded:
                self._decoded.move_to_end(stimulus_id)
                return self._decoded[stimulus_id]
        samples = self._read(path, self.stimuli[stimulus_id])
        samples.flags.writeable = False
        with self._lock:
            self._decoded[stimulus_id] = samples
            while len(self._decoded) > KEPT:
                self._decoded.popitem(last=False)
        return samples

    def verify(self) -> None:
        """Check every file against the hash that was taken when it was made.

        Raises:
            StudyError: names the first that is missing or changed.
        """
        for stimulus in self.stimuli.values():
            self._read(self.path(stimulus.stimulus_id), stimulus)

    def digest(self) -> str:
        """One hash of all that is known of the stimuli, their files' hashes included; with ``verify``, of the sounds."""
        rows = sorted(self._rows, key=lambda row: row["stimulus_id"])
        return key_of({"stimuli": rows, "facts": self.facts})

    def _read(self, path: Path, stimulus: Stimulus) -> np.ndarray:
        remedy = "copy it back from where the study was made, or make the stimuli again"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StudyError(f"{path}: not readable ({error.strerror}); {remedy}") from None
        if sha256_of(content) != stimulus.sha256:
            raise StudyError(f"{path}: is not the sound that was made (its hash has changed); {remedy}")
        try:
            samples, rate = decode_wav(content)
        except ValueError as error:
            raise StudyError(f"{path}: {error}; {remedy}") from None
        if (len(samples), rate) != (stimulus.samples, stimulus.rate):
            raise StudyError(f"{path}: {len(samples)} samples at {rate} Hz, not as stimuli.json says; {remedy}")
        return samples
