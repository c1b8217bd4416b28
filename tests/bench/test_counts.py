"""What a short turn does, counted: a change by which it does more, or less, says so here."""

from __future__ import annotations

from contextlib import closing

import pytest

from bench.counts import FOLDER, counter
from bench.servers import upstream
from bench.talk import Talk
from tests.conftest import StartServer
from tests.harness.processes import ROOT

pytestmark = pytest.mark.slow

# On a connection of its own, in a conversation of its own.
COUNTED = {"statements": 26, "commits": 3, "hops": 2, "tasks": 9}
# Two wake-ups of a loop may be one call, and SQLite's versions write pages in other numbers.
MOST_WRITES = 53


def test_a_short_turn_does_what_it_did(start_server: StartServer) -> None:
    with upstream() as port, counter() as counts:
        settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "k", "OPENAI_MODEL": "bench"}
        path = {"PYTHONPATH": f"{FOLDER}:{ROOT}"}
        server = start_server({**settings, **counts.variables, **path}, "serve", fresh=True)
        with closing(Talk(server, "any", text="tokens=20")) as talk:
            for _ in range(8):
                talk.begin()
            found = counts.of_a_turn(server.pid, talk.begin)._asdict()
    writes = found.pop("writes")
    assert found == COUNTED
    assert 0 < writes <= MOST_WRITES
