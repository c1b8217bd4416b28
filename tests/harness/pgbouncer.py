"""Debian's pgbouncer before a PostgreSQL: in transaction mode each transaction may get another connection."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.postgres import NOBODY, Postgres, die_with_parent, postgres
from tests.harness.processes import free_port

CONFIGURATION = """
[databases]
{schema} = host=127.0.0.1 port={server} dbname=postgres user=postgres connect_query='SET search_path = {schema}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {connections}
# The service leaves nothing in a session, and the schema is to stay.
server_reset_query =
"""


@contextmanager
def pooled(
    schema: str, connections: int, mode: str = "transaction", server: Callable[[], Postgres] = postgres
) -> Iterator[str]:
    """The address of a schema behind a pooler that has only this many connections to it."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    assert program, "pgbouncer is missing; tests/run installs it"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        configuration = Path(folder) / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(schema=schema, server=server().port, port=port, connections=connections, mode=mode)
        )
        process = subprocess.Popen(
            [program, configuration],
            user=NOBODY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
        try:
            _wait_for(port, process)
            yield f"postgresql://postgres@127.0.0.1:{port}/{schema}"
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None, f"pgbouncer has ended with {process.returncode}"
        assert time.monotonic() < deadline, "pgbouncer does not listen"
        time.sleep(0.005)
