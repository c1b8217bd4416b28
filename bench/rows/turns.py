"""Rows: latency and rate of short turns."""

from statistics import median

from bench.driving import run_load
from bench.job import Job
from bench.measure import Effort, both_warm, paired
from bench.servers import Server
from bench.table import Figure


def first_delta(effort: Effort) -> list[Figure]:
    """Milliseconds that a service adds to the upstream's first delta, in short sequential requests."""
    turns = effort.of(60, 20)
    with both_warm() as (port, servers):
        pairs = paired(effort.many, servers, lambda server: added_to_the_first(server, port, turns))
    return [Figure("first delta, added to the upstream's", "ms", pairs, target=0.50)]


def added_to_the_first(server: Server, upstream_port: int, turns: int) -> float:
    """Milliseconds between the median first deltas of the server and of the upstream itself."""
    through = run_load(Job(server.port, "tokens=20", turns=turns))
    direct = run_load(Job(upstream_port, "tokens=20", turns=turns, target="upstream"))
    return (median(through.firsts) - median(direct.firsts)) * 1e3


def short_turns(effort: Effort) -> list[Figure]:
    """Short turns a second, 16 at once, each in its own conversation."""
    with both_warm() as (_, servers):

        def rate(server: Server) -> float:
            tally = run_load(Job(server.port, "tokens=20", turns=32, at_once=16, seconds=effort.of(3, 2)))
            return tally.turns / tally.seconds

        pairs = paired(effort.many, servers, rate)
    return [Figure("short turns a second, 16 at once", "/s", pairs, target=3.7, better="higher")]
