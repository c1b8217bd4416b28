"""A PostgreSQL of the benchmark's own, with its defaults: it syncs commits, and logs whole pages after a checkpoint."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.postgres import Postgres

OPTIONS = {"unix_socket_directories": "", "listen_addresses": "127.0.0.1"}


@contextmanager
def database() -> Iterator[Postgres]:
    """A running server with an empty database."""
    postgres = Postgres(Path(tempfile.mkdtemp(prefix="bench-postgres-")), options=OPTIONS)
    try:
        postgres.connect().close()
        yield postgres
    finally:
        postgres.close()
