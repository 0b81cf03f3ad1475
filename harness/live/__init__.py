"""Decoding while somebody watches: views, a fair queue, workers, and the events that a page follows.

The server's process never decodes and never loads weights: :mod:`harness.live.worker` does, a process of its own that
may be cancelled or die without the server noticing more than one line.
"""

from __future__ import annotations
