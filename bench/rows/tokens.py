"""Rows: CPU time per token."""

from bench.job import Job
from bench.measure import Effort, both_warm, loaded, paired
from bench.servers import Server
from bench.table import Figure


def cpu_per_token(server: Server, job: Job) -> float:
    """Microseconds of the server's CPU time per delta that reached the client."""
    tally, spent = loaded(server, job)
    return spent / tally.tokens * 1e6


def burst(effort: Effort) -> list[Figure]:
    """One stream after another, each as fast as it comes."""
    with both_warm() as (_, servers):
        pairs = paired(
            effort.rounds,
            servers,
            lambda server: cpu_per_token(server, Job(server.port, "tokens=2000", turns=2, seconds=effort.of(3, 1))),
        )
    return [Figure("CPU per token, one stream as fast as it comes", "µs", pairs, target=0.03)]


def paced(effort: Effort) -> list[Figure]:
    """100 streams of 30 tokens a second."""
    tokens = effort.of(300, 90)
    with both_warm() as (_, servers):
        pairs = paired(
            effort.rounds,
            servers,
            lambda server: cpu_per_token(
                server, Job(server.port, f"tokens={tokens} rate=30", turns=100, at_once=100, ramp=1)
            ),
        )
    return [Figure("CPU per token, 100 streams of 30 tokens/s", "µs", pairs, target=0.25)]
