"""Rows: memory and start of a process, a fresh one for each figure."""

import time
from collections.abc import Callable
from functools import partial

from bench.driving import ask_once, finish, running_load, wait_until_open
from bench.job import Job
from bench.measure import SIDES, Effort
from bench.procfs import resident_bytes
from bench.servers import Side, service, upstream, wait_until_listening, warm_service
from bench.table import Figure


def memory(effort: Effort) -> list[Figure]:
    """Kilobytes of resident memory per open stream: of slow ones, and of those that most is said in."""
    slow = partial(Job, message="tokens=16 rate=2", turns=200, at_once=200, ramp=2)
    paced = partial(Job, message=f"tokens={effort.of(300, 90)} rate=30", turns=100, at_once=100, ramp=1)

    def one(side: Side, port: int, job: Callable[[int], Job]) -> float:
        with warm_service(side, port) as server:
            before = resident_bytes(server.pid)
            load = job(server.port)
            with running_load(load) as process:
                wait_until_open(process)
                most = 0
                while process.poll() is None:
                    most = max(most, resident_bytes(server.pid))
                    time.sleep(0.25)
                finish(process)
        return (most - before) / load.turns / 1e3

    with upstream() as port:
        slow_pairs = tuple((one("usual", port, slow), one("ours", port, slow)) for _ in range(effort.rounds))
        paced_pairs = tuple((one("usual", port, paced), one("ours", port, paced)) for _ in range(effort.rounds))
    return [
        Figure("memory per open stream", "KB", slow_pairs, target=0.65),
        Figure("memory per stream of 30 tokens/s", "KB", paced_pairs, target=0.40),
    ]


def start(effort: Effort) -> list[Figure]:
    """Seconds from the start of a process to its first answer, with compiled modules."""

    def one(side: Side, port: int) -> float:
        began = time.perf_counter()
        with service(side, port) as server:
            wait_until_listening(server)
            ask_once(server.port)
            return time.perf_counter() - began

    with upstream() as port:
        for side in (*SIDES, "hypercorn"):
            one(side, port)
        rounds = [(one("usual", port), one("ours", port), one("hypercorn", port)) for _ in range(effort.many)]
    return [
        Figure("start to first answer", "s", tuple((usual, ours) for usual, ours, _ in rounds), target=0.50),
        Figure("the same, `hypercorn app:app`", "s", tuple((usual, plain) for usual, _, plain in rounds), target=0.50),
    ]
