"""Rows: CPU time and disk space of a long conversation."""

from bench.driving import run_load
from bench.job import Job
from bench.measure import Effort, both_warm, loaded, paired
from bench.procfs import bytes_on_disk
from bench.servers import Server
from bench.table import Figure

BLOCKS = 3
BLOCK = 8
"""Each stage ends with `BLOCKS` blocks of `BLOCK` turns, measured on both sides in turn."""
MESSAGE = "tokens=20 size=50 ".ljust(1024, "x")


def history(effort: Effort) -> list[Figure]:
    """One conversation per side, up to 400 turns; a kilobyte asked and a kilobyte answered per turn."""
    stages = [BLOCKS * BLOCK, 100] if effort.quick else [BLOCKS * BLOCK, 100, 400]
    figures = []
    with both_warm() as (_, servers):
        said = 0
        for turns in stages:
            for server in servers:
                say(server, turns - BLOCKS * BLOCK - said)
            name = f"CPU of a turn at {turns} turns of 1 KB messages"
            pairs = paired(BLOCKS, servers, cpu_of_a_turn)
            figures.append(Figure(name, "ms", pairs, target=0.035 if turns == 400 else None))
            said = turns
        usual, ours = (bytes_on_disk(server.data) / 1e6 for server in servers)
    name = f"bytes on disk after {said} such turns"
    return [*figures, Figure(name, "MB", ((usual, ours),), target=0.011 if said == 400 else None)]


def say(server: Server, turns: int) -> None:
    """Add turns to the conversation."""
    if turns:
        run_load(Job(server.port, MESSAGE, turns=turns, conversation="long"))


def cpu_of_a_turn(server: Server) -> float:
    """Milliseconds of CPU time per turn, the mean of a few turns."""
    _, spent = loaded(server, Job(server.port, MESSAGE, turns=BLOCK, conversation="long"))
    return spent / BLOCK * 1e3
