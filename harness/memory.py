"""Peak memory of a stretch of work."""

from __future__ import annotations

from pathlib import Path

import psutil

CLEAR_REFS = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


class PeakMemory:
    """The peak resident memory of this process since ``reset``, weights of every loaded system included.

    On Linux the kernel keeps the peak ("VmHWM") and resets it when asked, so nothing samples beside the measured code.
    Elsewhere the largest value seen by :meth:`sample` stands in.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._sampled = 0
        self._kernel = False

    def reset(self) -> None:
        """Start anew."""
        self._sampled = 0
        try:
            CLEAR_REFS.write_text("5")  # proc(5): reset the peak resident set size to the current one
            self._kernel = True
        except OSError:
            self._kernel = False

    def sample(self) -> None:
        """Look once; for systems whose kernel does not keep the peak, call it after every chunk."""
        if not self._kernel:
            self._sampled = max(self._sampled, self._process.memory_info().rss)

    def megabytes(self) -> float:
        """The peak in MB (10^6 bytes)."""
        if self._kernel:
            for line in STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
        self.sample()
        return max(self._sampled, self._process.memory_info().rss) / 1e6
