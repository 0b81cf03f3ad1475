"""Ports for the servers of tests, which no other test of this run is given."""

from __future__ import annotations

import itertools
import os
import random
import socket

FIRST, SPAN = 20_000, 1_500  # below those that Linux hands out by itself (from 32768 on); a span for each pytest worker
_worker = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0) % 8
_next = itertools.count(random.SystemRandom().randrange(SPAN))  # not where another run on this machine begins


def free_port() -> int:
    """A port of the loopback interface for a server that is still to start.

    One that the kernel picked could meanwhile be given to anybody: starting the application takes many seconds.
    """
    for step in itertools.islice(_next, SPAN):
        port = FIRST + SPAN * _worker + step % SPAN
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free port between {FIRST} and {FIRST + 8 * SPAN}")
