"""The common part of the rows: both services warm, measured in turn, with CPU time read before and after."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.driving import run_load
from bench.job import Job, Tally
from bench.procfs import cpu_seconds
from bench.servers import Server, Side, upstream, warm_service

SIDES: tuple[Side, Side] = ("usual", "ours")
SETTLE = 0.3
"""Seconds a server gets after the last byte to finish its work on the turns."""


@dataclass(frozen=True)
class Effort:
    """How much to measure for each figure."""

    rounds: int = 3
    quick: bool = False

    @property
    def many(self) -> int:
        """The rounds of a row with short measurements, which needs more of them."""
        return self.rounds if self.quick else 2 * self.rounds + 1

    def of(self, full: int, quick: int) -> int:
        """Choose a number by the kind of run."""
        return quick if self.quick else full


@contextmanager
def both_warm(**settings: str) -> Iterator[tuple[int, list[Server]]]:
    """The upstream's port and both services, warm, ours with more settings; only one is under load at a time."""
    with upstream() as port, ExitStack() as stack:
        more = {"usual": {}, "ours": settings}
        yield port, [stack.enter_context(warm_service(side, port, **more[side])) for side in SIDES]


def paired(rounds: int, servers: list[Server], measure: Callable[[Server], float]) -> tuple[tuple[float, float], ...]:
    """Measure the usual stack and ours in turn, for `rounds` rounds."""
    pairs = []
    for _ in range(rounds):
        usual, ours = (measure(server) for server in servers)
        pairs.append((usual, ours))
    return tuple(pairs)


def loaded(server: Server, job: Job) -> tuple[Tally, float]:
    """Run a job; return its tally and the CPU seconds the server spent."""
    before = cpu_seconds(server.pid)
    tally = run_load(job)
    time.sleep(SETTLE)
    return tally, cpu_seconds(server.pid) - before
