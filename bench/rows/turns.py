"""Rows: latency and rate of short turns."""

import json
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.driving import LoadError, run_load
from bench.job import Job
from bench.measure import Effort, both_warm, paired
from bench.servers import Server
from bench.table import Figure


def first_delta(effort: Effort) -> list[Figure]:
    """Milliseconds that a service adds to the upstream's first delta, in short sequential requests."""
    turns = effort.of(60, 20)
    with both_warm() as (port, servers):
        pairs = paired(effort.many, servers, lambda server: added_to_the_first(server, port, turns))
    return [Figure("first delta, added to the upstream's", "ms", pairs, target=0.43)]


def added_to_the_first(server: Server, upstream_port: int, turns: int) -> float:
    """Milliseconds between the median first deltas of the server and of the upstream itself."""
    through = run_load(Job(server.port, "tokens=20", turns=turns))
    direct = run_load(Job(upstream_port, "tokens=20", turns=turns, target="upstream"))
    return (median(through.firsts) - median(direct.firsts)) * 1e3


def short_turns(effort: Effort) -> list[Figure]:
    """Short turns a second, 16 at once, each in its own conversation."""
    return [_short_turns(effort, "short turns a second, 16 at once", 4.2)]


def postgres(effort: Effort) -> list[Figure]:
    """The same, with ours on PostgreSQL, which syncs what it commits: the usual stack's SQLite does not."""
    try:
        from bench.database import database
    except ImportError as error:
        raise LoadError(f"{error.name} is missing: the tests' PostgreSQL comes with `uv sync --group test`") from error
    with database() as server:
        url = server.url(server.new_schema())
        return [_short_turns(effort, "the same, ours on PostgreSQL", None, DATABASE_URL=url)]


def emulator(effort: Effort) -> list[Figure]:
    """The same, with ours on its emulator, in the same process, and with the mock's journal."""
    with TemporaryDirectory(prefix="bench-script-") as folder:
        script = Path(folder, "script.json")
        script.write_text(json.dumps({"rules": [{"when": "tokens=20", "text": ["a word, "] * 20}]}))
        settings = {"OPENAI_BASE_URL": "", "OPENAI_API_KEY": "", "OPENAI_MODEL": "", "MOCK_SCRIPT": str(script)}
        return [_short_turns(effort, "the same, ours on its emulator, with the journal", None, **settings)]


def _short_turns(effort: Effort, name: str, target: float | None, **settings: str) -> Figure:
    with both_warm(**settings) as (_, servers):

        def rate(server: Server) -> float:
            tally = run_load(Job(server.port, "tokens=20", turns=32, at_once=16, seconds=effort.of(3, 2)))
            return tally.turns / tally.seconds

        pairs = paired(effort.many, servers, rate)
    return Figure(name, "/s", pairs, target, better="higher")
