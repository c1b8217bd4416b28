"""Rows: what a long conversation costs, in processor time and on the disk."""

from bench.driving import run_load
from bench.job import Job
from bench.measure import Effort, both_warm, loaded
from bench.procfs import bytes_on_disk
from bench.table import Figure


def history(effort: Effort) -> list[Figure]:
    """One conversation of 400 turns, a kilobyte said and a kilobyte answered in each; one round whatever is asked."""
    windows = {10: 10, 100: 20, 400: 20} if not effort.quick else {10: 10, 100: 20}
    last = max(windows)
    message = "tokens=20 size=50 ".ljust(1024, "x")
    with both_warm() as (_, servers):
        spent: dict[int, list[float]] = {turn: [] for turn in windows}
        disk: list[float] = []
        for server in servers:
            said = 0
            for turn, width in windows.items():
                start = turn - width // 2 if turn != last else turn - width
                run_load(Job(server.port, message, turns=start - said, conversation="long"))
                _, cpu = loaded(server, Job(server.port, message, turns=width, conversation="long"))
                spent[turn].append(cpu / width * 1e3)
                said = start + width
            disk.append(bytes_on_disk(server.data) / 1e6)
    figures = [
        Figure(f"CPU of a turn at {turn} turns of 1 KB messages", "ms", ((usual, ours),), 0.08 if turn == 400 else None)
        for turn, (usual, ours) in spent.items()
    ]
    on_disk = Figure(
        f"bytes on disk after {last} such turns", "MB", ((disk[0], disk[1]),), 0.03 if last == 400 else None
    )
    return [*figures, on_disk]
