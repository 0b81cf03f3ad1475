"""Databases to keep ratings in, and small studies with sounds."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pg8000.dbapi
import pytest
import soundfile

from harness.storage import sha256_of, write_bytes, write_json
from listening_tests.model import Stimulus
from listening_tests.study import Study
from tests.ports import free_port

RATE = 16_000
START_S = 300  # on a machine with other work to do


class PostgresServer:
    """A cluster of our own in a temporary folder, on loopback, with fsync on as in earnest."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        # PostgreSQL refuses to run as root
        self.user = "postgres" if os.geteuid() == 0 else None
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self._run("initdb", "-D", folder / "data", "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-locale")
        self.start()

    def start(self) -> None:
        """Start and wait until it takes connections."""
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                   "shared_buffers": "16MB", "max_connections": 200, "synchronous_commit": "off"}  # fmt: skip
        settings = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            command = [self.programs / "postgres", "-D", self.folder / "data", *settings]
            self.process = subprocess.Popen(command, user=self.user, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.connect().close()
                return
            except Exception:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of the server and all its backends, as a crash would."""
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        for pid in [self.process.pid, *map(int, children.stdout.split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop at once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(START_S)

    def connect(self, database: str = "postgres") -> pg8000.dbapi.Connection:
        """A connection outside of any transaction."""
        connection = pg8000.dbapi.connect(
            "tester", host="127.0.0.1", port=self.port, database=database, timeout=START_S
        )
        connection.autocommit = True
        return connection

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"test_{time.time_ns()}"
        connection = self.connect()
        connection.cursor().execute(f"CREATE DATABASE {name}")
        connection.close()
        return f"postgresql+pg8000://tester@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *given: object) -> None:
        command = [str(self.programs / program), *map(str, given)]
        done = subprocess.run(command, user=self.user, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("PostgreSQL is not installed (no initdb in /usr/lib/postgresql/*/bin or on the PATH)")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL cannot run as root and there is no user postgres")
    return found[-1] if found else Path(on_path).resolve().parent


@contextlib.contextmanager
def _running_postgres() -> Iterator[PostgresServer]:
    programs = _postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="streamflow-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = None
    try:
        server = PostgresServer(programs, folder)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL for the session of tests; skips where none is installed."""
    with _running_postgres() as server:
        yield server


@pytest.fixture()
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that the test may kill."""
    with _running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ratings.sqlite'}"
    return request.getfixturevalue("postgres_server").new_database()


@pytest.fixture()
def make_study(tmp_path: Path) -> Callable[..., tuple[Study, Path]]:
    """``make_study(name="study", systems=..., sentences=4, **study keys)`` -> (study, its folder with study.toml,
    stimuli.json and short sounds: every system, the recording, both anchors, and a trap a sentence).
    """

    def make(
        name: str = "study",
        *,
        systems: tuple[str, ...] = ("alpha", "beta", "gamma"),
        sentences: int = 4,
        protocol: str = "acr-naturalness",
        seconds: float = 0.4,
        **keys: object,
    ) -> tuple[Study, Path]:
        study = Study.from_table({"title": "Short sounds", "protocol": protocol, "systems": list(systems), **keys})
        folder = tmp_path / name
        write_bytes(folder / "study.toml", study.to_toml().encode())
        table = [found.table() for found in _write_stimuli(folder, systems, sentences, seconds)]
        write_json(folder / "stimuli.json", {"stimuli": table, "level": study.table()["level"]})
        return study, folder

    return make


def _write_stimuli(folder: Path, systems: tuple[str, ...], sentences: int, seconds: float) -> Iterator[Stimulus]:
    """Speech-like noise: one envelope a sentence, another noise a system."""
    rng = np.random.default_rng(3)
    roles = dict.fromkeys(systems, "test")
    roles |= {"reference": "reference", "anchor-3500": "anchor", "anchor-7000": "anchor"}
    samples = int(seconds * RATE)
    for sentence in range(sentences):
        envelope = 0.2 + 0.8 * np.abs(np.sin(np.linspace(0, (3 + sentence) * np.pi, samples)))
        for system, role in [*roles.items(), (systems[sentence % len(systems)], "trap")]:
            stimulus_id = rng.bytes(12).hex()
            path = folder / "stimuli" / f"{stimulus_id}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.05 * envelope * rng.standard_normal(samples), RATE, subtype="PCM_16")
            yield Stimulus(
                stimulus_id, f"sentence-{sentence:02d}", system, role, samples, RATE, sha256_of(path.read_bytes()),
                seams=(samples // 2,) if role == "test" else (), key={"beeps": 3} if role == "trap" else {},
            )  # fmt: skip
