"""What lies in a folder: audio files with their stat, sidecars with seams, and all that is neither."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .errors import RenderedError
from .naming import normal

READABLE = frozenset(
    {
        ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc",
        ".au", ".snd", ".caf", ".w64", ".rf64", ".sph", ".nist", ".voc",
    }
)  # fmt: skip
"""Suffixes of what libsndfile reads; it goes by the content afterwards, so a FLAC file named .wav is fine."""
UNREADABLE = frozenset({".m4a", ".aac", ".mp4", ".wma", ".webm", ".amr", ".mka", ".ape", ".wv"})
"""Audio all the same: it counts as there, and fails by name, rather than being listed as missing."""
SEAMS = ".seams.json"


@dataclass(frozen=True, slots=True)
class AudioFile:
    """One file of audio, as found.

    Attributes:
        path: of the file.
        relative: its path in the folder without suffix, ``/`` between parts, Unicode NFC.
        stat: size in bytes, mtime_ns and ctime_ns: one of them differs when the content does.
        seams: the sidecar, or None.
    """

    path: Path
    relative: str
    stat: tuple[int, int, int]
    seams: Path | None = None

    @property
    def stem(self) -> str:
        """The last part of :attr:`relative`."""
        return self.relative.rpartition("/")[2]


@dataclass
class Listing:
    """A folder's files: the audio in the order of names, and what was left out of account, relative to the folder."""

    folder: Path
    audio: list[AudioFile] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def list_folder(folder: Path, *, leave_out: Collection[Path] = ()) -> Listing:
    """List a folder and all folders below it, through links, without opening a file.

    Args:
        folder: where to look.
        leave_out: resolved paths of folders that are not entered: another system's, or the run itself.

    Raises:
        RenderedError: no such folder, or one below it cannot be listed.
    """
    if not folder.is_dir():
        what = "a file, not a folder" if folder.exists() else "no such folder"
        raise RenderedError(f"{folder}: {what}; give the folder that holds the audio files")
    listing = Listing(folder)
    sidecars: dict[str, Path] = {}
    for relative, entry in _walk(folder, set(leave_out)):
        _sort_in(listing, sidecars, relative, entry)
    listing.audio.sort(key=lambda file: (file.relative, file.path.name))
    readable = {file.relative for file in listing.audio if file.path.suffix.lower() in READABLE}
    twins = {f.path for f in listing.audio if f.path.suffix.lower() in UNREADABLE and f.relative in readable}
    listing.foreign += [str(path.relative_to(folder)) for path in twins]
    listing.audio = [_with_seams(file, sidecars) for file in listing.audio if file.path not in twins]
    listing.foreign += [str(path.relative_to(folder)) for path in sidecars.values()]
    for names in (listing.hidden, listing.foreign, listing.broken):
        names.sort()
    return listing


def _with_seams(file: AudioFile, sidecars: dict[str, Path]) -> AudioFile:
    return AudioFile(file.path, file.relative, file.stat, sidecars.pop(file.relative, None))


def _walk(folder: Path, leave_out: set[Path]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every entry that is no folder, with its path in the folder; each real folder is entered once."""
    waiting, seen = [("", folder)], {folder.resolve()}
    while waiting:
        prefix, where = waiting.pop()
        try:
            entries = sorted(os.scandir(where), key=lambda entry: entry.name)
        except OSError as error:
            raise RenderedError(f"{where}: cannot be listed ({error.strerror}); change its permissions") from None
        for entry in entries:
            if entry.is_dir() and not entry.name.startswith("."):
                real = Path(entry.path).resolve()
                if real not in seen and real not in leave_out:
                    seen.add(real)
                    waiting.append((f"{prefix}{entry.name}/", Path(entry.path)))
            else:
                yield f"{prefix}{entry.name}", entry


def _sort_in(listing: Listing, sidecars: dict[str, Path], relative: str, entry: os.DirEntry[str]) -> None:
    """Put one entry where it belongs."""
    name, suffix = relative.rpartition("/")[2], os.path.splitext(entry.name)[1].lower()
    if name.startswith("."):  # also what macOS leaves in archives: ._name.wav
        listing.hidden.append(relative)
    elif name.endswith(SEAMS):
        sidecars[normal(relative.removesuffix(SEAMS))] = Path(entry.path)
    elif suffix not in READABLE | UNREADABLE:
        listing.foreign.append(relative)
    else:
        try:
            found = entry.stat()
        except OSError:
            found = None
        if found is None or not stat.S_ISREG(found.st_mode):  # a link to nothing, or a pipe, which would never end
            listing.broken.append(relative)
            return
        key = normal(relative[: -len(suffix)])
        listing.audio.append(AudioFile(Path(entry.path), key, (found.st_size, found.st_mtime_ns, found.st_ctime_ns)))
