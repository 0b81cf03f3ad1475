"""Where Gradio keeps what passes through it: a folder of this process alone, gone when the process is."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

NAME = "streamflow-app"


@contextlib.contextmanager
def private_scratch() -> Iterator[Path]:
    """Make the folder, readable by this user alone, and have Gradio use it and send nothing to anybody.

    To be entered before Gradio is imported, which asks the environment once. Folders that killed servers of this user left
    are removed, too.
    """
    _remove_left(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-{os.getpid()}-"))
    os.environ.update(GRADIO_TEMP_DIR=str(folder), GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left(parent: Path) -> None:
    for folder in parent.glob(f"{NAME}-*"):
        found = re.match(rf"{NAME}-(\d+)-", folder.name)
        with contextlib.suppress(OSError):
            if found and not folder.is_symlink() and folder.stat().st_uid == os.getuid() and not _lives(int(found[1])):
                shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
