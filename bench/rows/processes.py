"""Rows: memory and start of a process, a fresh one for each figure."""

import time
from statistics import median

from bench.driving import ask_once, finish, running_load, wait_until_open
from bench.job import Job
from bench.measure import SIDES, Effort
from bench.procfs import resident_bytes
from bench.servers import Side, service, upstream, wait_until_listening, warm_service
from bench.table import Figure


def memory(effort: Effort) -> list[Figure]:
    """Kilobytes of resident memory per open, slow stream."""
    streams = 200

    def one(side: Side, port: int) -> float:
        with warm_service(side, port) as server:
            before = resident_bytes(server.pid)
            job = Job(server.port, "tokens=16 rate=2", turns=streams, at_once=streams, ramp=2)
            with running_load(job) as process:
                wait_until_open(process)
                during = []
                for _ in range(8):
                    time.sleep(0.25)
                    during.append(resident_bytes(server.pid))
                finish(process)
        return (median(during) - before) / streams / 1e3

    with upstream() as port:
        pairs = tuple((one("usual", port), one("ours", port)) for _ in range(effort.rounds))
    return [Figure("memory per open stream", "KB", pairs, target=0.65)]


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
