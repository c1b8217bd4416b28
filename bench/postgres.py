"""`python -m bench.postgres [--only PART] [--quick]`: this service on PostgreSQL and on a data folder, in one run.

Then 500 open streams share a pool of ten connections.
"""

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median, quantiles

import httpx2

from bench.database import database
from bench.driving import LoadError, finish, running_load, wait_until_open
from bench.environment import own_python
from bench.job import PASSWORD, USER, Job
from bench.measure import SETTLE, Effort, loaded
from bench.procfs import bytes_on_disk, cpu_seconds
from bench.rows.history import BLOCK, BLOCKS, cpu_of_a_turn, say
from bench.rows.turns import added_to_the_first
from bench.servers import Server, upstream, warm_service
from bench.table import Figure, render
from tests.harness.postgres import Postgres

LOGGED = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
STORED = (
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = '{}'::regnamespace"
)
STREAMS = 500
STARTS = 10
"""Streams that begin each second."""
POOL = 10
WAIT_LIMIT = 20
"""Milliseconds that 99 of 100 uses of the pool may wait for a connection."""
BUCKET = re.compile(r'^mockbackend_db_wait_seconds_bucket\{.*?le="([^"]+)"\} (\S+)', re.MULTILINE)
OPEN = re.compile(r'^mockbackend_open_streams\{.*?kind="own".*?\} (\S+)', re.MULTILINE)


def number(postgres: Postgres, query: str) -> float:
    """What the database answers."""
    with postgres.connect() as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return float(str(row[0]))


@contextmanager
def both(postgres: Postgres, schema: str) -> Iterator[tuple[int, list[Server]]]:
    """The upstream's port, and the service on a folder and on an empty schema, warm."""
    with upstream() as port, ExitStack() as stack:
        settings: list[dict[str, str]] = [{}, {"DATABASE_URL": postgres.url(schema)}]
        yield port, [stack.enter_context(warm_service("ours", port, **more)) for more in settings]


def short_turns(effort: Effort, postgres: Postgres) -> bool:
    """Short turns: the first delta, then 16 at once for their rate and CPU time."""
    firsts: list[tuple[float, ...]] = []
    rates: list[tuple[float, ...]] = []
    own: list[tuple[float, ...]] = []
    whole: list[tuple[float, ...]] = []
    logged: list[float] = []
    with both(postgres, postgres.new_schema()) as (port, servers):
        for _ in range(effort.many):
            firsts.append(tuple(added_to_the_first(server, port, effort.of(60, 20)) for server in servers))
            results = []
            for server in servers:
                before, log_before = cpu_seconds(postgres.pid), number(postgres, LOGGED)
                job = Job(server.port, "tokens=20", turns=32, at_once=16, seconds=effort.of(3, 2))
                tally, spent = loaded(server, job)
                spent_there = cpu_seconds(postgres.pid) - before if server is servers[1] else 0
                milliseconds = [seconds / tally.turns * 1e3 for seconds in (spent, spent + spent_there)]
                results.append((tally.turns / tally.seconds, *milliseconds))
            # The last to run was the service on PostgreSQL.
            logged.append((number(postgres, LOGGED) - log_before) / tally.turns / 1e3)
            for found, pair in zip((rates, own, whole), zip(*results, strict=True), strict=True):
                found.append(pair)
    show(
        figure("first delta, added to the upstream's", "ms", firsts),
        figure("short turns a second, 16 at once", "/s", rates),
        figure("CPU of the service in such a turn", "ms", own),
        figure("the same with the database's", "ms", whole),
    )
    print(f"write-ahead log of such a turn: {median(logged):.1f} kB")
    return True


def long_conversation(effort: Effort, postgres: Postgres) -> bool:
    """One conversation of long messages a side: CPU, disk space, and PostgreSQL's write-ahead log."""
    schema = postgres.new_schema()
    figures: list[Figure] = []
    lines: list[str] = []
    said = 0
    with both(postgres, schema) as (_, servers):
        for turns in [BLOCKS * BLOCK, 100] if effort.quick else [BLOCKS * BLOCK, 100, 400]:
            for server in servers:
                say(server, turns - BLOCKS * BLOCK - said)
            spent: list[tuple[float, ...]] = []
            logged: list[float] = []
            for _ in range(BLOCKS):
                on_folder = cpu_of_a_turn(servers[0])
                before = number(postgres, LOGGED)
                spent.append((on_folder, cpu_of_a_turn(servers[1])))
                logged.append((number(postgres, LOGGED) - before) / BLOCK / 1e3)
            figures.append(figure(f"CPU of the service in a turn at {turns} turns of 1 KB messages", "ms", spent))
            blocks = ", ".join(f"{kilobytes:.1f}" for kilobytes in logged)
            lines.append(f"write-ahead log of a turn at {turns} turns: {median(logged):.1f} kB ({blocks})")
            said = turns
        disk = (bytes_on_disk(servers[0].data) / 1e6, number(postgres, STORED.format(schema)) / 1e6)
    show(*figures, figure(f"disk space after {said} such turns", "MB", [disk]))
    print(*lines, sep="\n")
    return True


def show(*figures: Figure) -> None:
    """Print a table."""
    print(render(list(figures), ("data folder", "PostgreSQL")))


def figure(name: str, unit: str, pairs: list[tuple[float, ...]]) -> Figure:
    """A row without a target, of (data folder, PostgreSQL) in each round."""
    return Figure(name, unit, tuple((on_folder, on_postgres) for on_folder, on_postgres in pairs))


def open_streams(_: Effort, postgres: Postgres) -> bool:
    """Streams that are open together on a small pool: how long 99 of 100 statements wait for a connection."""
    settings = {"DATABASE_URL": postgres.url(postgres.new_schema()), "DATABASE_POOL_SIZE": str(POOL)}
    with upstream() as port, warm_service("ours", port, **settings) as server:
        before = waits(metrics(server))
        ramp = STREAMS / STARTS
        job = Job(server.port, "tokens=75 rate=1", STREAMS, at_once=STREAMS, ramp=ramp, own_users=True)
        with running_load(job) as process:
            wait_until_open(process)
            opened = OPEN.search(metrics(server))
            tally = finish(process)
        time.sleep(SETTLE)
        after = waits(metrics(server))
    added = {limit: count - before[limit] for limit, count in after.items()}
    half, most = (quantile(added, share) * 1e3 for share in (0.5, 0.99))
    first = quantiles(tally.firsts, n=100)
    print(
        f"{opened and float(opened[1]):.0f} streams open at once on a pool of {POOL}, {STARTS} starts a second:",
        f"{added[float('inf')]:.0f} waits for a connection, median {half:.1f} ms, 99 % {most:.1f} ms;",
        f"first delta after {first[49] * 1e3:.0f} ms, 99 % {first[98] * 1e3:.0f} ms",
    )
    return most < WAIT_LIMIT


def metrics(server: Server) -> str:
    """What the service says of itself."""
    address = f"http://127.0.0.1:{server.port}/metrics"
    return httpx2.get(address, auth=(USER, PASSWORD), timeout=60).raise_for_status().text


def waits(text: str) -> dict[float, float]:
    """How many waits for a connection were at most that long, by seconds."""
    return {float(limit): float(count) for limit, count in BUCKET.findall(text)}


def quantile(counts: dict[float, float], share: float) -> float:
    """A quantile of a histogram, linear within its bucket, as Prometheus reckons it."""
    wanted = share * counts[float("inf")]
    low = below = 0.0
    for limit, count in counts.items():
        if count >= wanted:
            return low if limit == float("inf") else low + (limit - low) * (wanted - below) / (count - below)
        low, below = limit, count
    raise ValueError("no waits")


PARTS: dict[str, Callable[[Effort, Postgres], bool]] = {
    "short": short_turns,
    "history": long_conversation,
    "streams": open_streams,
}


def main() -> int:
    """Measure and print; return 1 if a part cannot be measured, or streams wait too long for a connection."""
    parser = argparse.ArgumentParser(prog="python -m bench.postgres", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="shorter measurements, and no 400 turns")
    chosen = parser.parse_args()
    effort = Effort(rounds=max(chosen.rounds, 1), quick=chosen.quick)
    # SIGTERM raises an exception, as Ctrl-C does, so that no server is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    own_python()
    passed = True
    with database() as postgres:
        for name in chosen.only or PARTS:
            print(f"{name}, load average {os.getloadavg()[0]:.1f}", flush=True)
            try:
                passed &= PARTS[name](effort, postgres)
            except LoadError as error:
                print(f"{name}: {error}")
                passed = False
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
