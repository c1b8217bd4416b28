"""What the rows have in common: both services ready, measured in turn, their processor time read before and after."""

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
"""Seconds after the last byte in which a server may finish what belongs to the turns."""


@dataclass(frozen=True)
class Effort:
    """How much is done for each figure."""

    rounds: int = 3
    quick: bool = False

    @property
    def many(self) -> int:
        """The rounds of a row whose measurements are short, and so need more of them."""
        return self.rounds if self.quick else 2 * self.rounds + 1

    def of(self, full: int, quick: int) -> int:
        """Choose a number by the kind of run."""
        return quick if self.quick else full


@contextmanager
def both_warm() -> Iterator[tuple[int, list[Server]]]:
    """The upstream's port and both services, warm; only one is under load at a time."""
    with upstream() as port, ExitStack() as stack:
        yield port, [stack.enter_context(warm_service(side, port)) for side in SIDES]


def paired(rounds: int, servers: list[Server], measure: Callable[[Server], float]) -> tuple[tuple[float, float], ...]:
    """Measure the usual stack and ours in turn, so many rounds."""
    pairs = []
    for _ in range(rounds):
        usual, ours = (measure(server) for server in servers)
        pairs.append((usual, ours))
    return tuple(pairs)


def loaded(server: Server, job: Job) -> tuple[Tally, float]:
    """Run a job; what came of it, and the processor time that the server spent on it."""
    before = cpu_seconds(server.pid)
    tally = run_load(job)
    time.sleep(SETTLE)
    return tally, cpu_seconds(server.pid) - before
