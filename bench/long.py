"""Measure long conversations: `python -m bench.long [--before COMMIT] [--turns N ...] [--without-usual]`.

This service beside itself as it was at a commit, and beside the usual stack, in turn and in the same run.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from bench.counts import Counts, counter
from bench.environment import code_of
from bench.processes import ROOT
from bench.procfs import bytes_on_disk
from bench.servers import Server, Side, upstream, warm_service
from bench.talk import BODIES, LONG, SHORT, Talk

BLOCKS, BLOCK = 5, 4
MARKS = (10, 24, 100, 400)
# At which the usual stack takes a fifth of a second for each turn, and more than half a gigabyte.
LONGEST_USUAL = 400
MIDDLE = 200


@dataclass(frozen=True)
class Contender:
    """A service that is measured."""

    name: str
    side: Side
    code: Path = ROOT


@contextmanager
def warm(contenders: list[Contender], port: int) -> Iterator[list[Server]]:
    """Each of them with an empty folder."""
    with ExitStack() as stack:
        yield [stack.enter_context(warm_service(one.side, port, one.code)) for one in contenders]


def in_turn(talks: list[Talk], measure: Callable[[Talk], float], blocks: int = BLOCKS) -> list[str]:
    """The median of several measurements of each."""
    measured = [[measure(talk) for talk in talks] for _ in range(blocks)]
    return [f"{median(one):.1f}" for one in zip(*measured, strict=True)]


def row(name: str, cells: list[str]) -> None:
    """Print a row of the table."""
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def growth(contenders: list[Contender], port: int, body: str, marks: list[int]) -> None:
    """Turns of one conversation each, whose bodies are of this kind; then what else there is to a long one."""
    takes_lists = [one for one in contenders if one.side == "ours"]
    with warm(contenders if body == "one message" else takes_lists, port) as servers:
        talks = [Talk(server, "long", body) for server in servers]
        for mark in marks:
            if mark > LONGEST_USUAL:
                talks = talks[-len(takes_lists) :]
            for talk in talks:
                talk.up_to(mark - BLOCKS * BLOCK // 2)
            missing = [""] * (len(contenders) - len(talks))
            row(f"CPU ms of turn {mark}, {body}", [*missing, *in_turn(talks, lambda talk: talk.go_on(BLOCK))])
            if mark == LONGEST_USUAL and body == "one message":
                sizes = [f"{bytes_on_disk(server.data) / 1e6:.1f}" for server in servers]
                row(f"MB on disk after {talks[0].turns} turns of 2 KB", sizes)
                others(talks[-len(takes_lists) :], [""] * (len(contenders) - len(takes_lists)))


def others(talks: list[Talk], missing: list[str]) -> None:
    """What the usual stack has no routes for."""
    turns = talks[0].turns

    def regenerate(talk: Talk) -> float:
        talk.up_to(turns)
        return talk.regenerate(MIDDLE)

    row(f"CPU ms of GET of {turns} turns", [*missing, *in_turn(talks, Talk.read)])
    row(f"CPU ms of turn {MIDDLE} of {turns} once more", [*missing, *in_turn(talks, regenerate)])
    for talk in talks:
        talk.up_to(turns)


def beginnings(contenders: list[Contender], port: int) -> None:
    """First turns, of a kilobyte each way and short ones; and many short ones on disk."""
    with warm(contenders, port) as servers:
        for name, text in (("first turn, 2 KB", LONG), ("first turn, short", "tokens=20")):
            talks = [Talk(server, "", text=text) for server in servers]
            row(f"CPU ms of a {name}", in_turn(talks, lambda talk: mean(talk.begin() for _ in range(20))))
    with warm(contenders, port) as servers:
        talks = [Talk(server, "as-people-write", text=SHORT) for server in servers]
        for talk in talks:
            talk.up_to(LONGEST_USUAL)
        sizes = [f"{bytes_on_disk(server.data) / 1e6:.1f}" for server in servers]
        row(f"MB on disk after {LONGEST_USUAL} turns as people write, of 0.7 KB", sizes)


def counted(contenders: list[Contender], port: int) -> None:
    """What is done for a short turn, and for one of a conversation of ten."""
    found: list[tuple[Counts, Counts]] = []
    for one in contenders:
        with counter() as counts, warm_service(one.side, port, one.code, **counts.variables) as server:
            first = counts.of_a_turn(server.pid, Talk(server, "", text="tokens=20").begin)
            (talk := Talk(server, "ten")).up_to(10)
            found.append((first, counts.of_a_turn(server.pid, talk.go_on)))
    for index, kind in enumerate(Counts._fields):
        row(f"{kind}: first turn, turn 10", [f"{first[index]:.0f}, {tenth[index]:.0f}" for first, tenth in found])


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.long", description="Measure long conversations.")
    parser.add_argument("--turns", type=int, nargs="+", default=MARKS, help="where to measure")
    parser.add_argument("--before", metavar="COMMIT", help="measure this service as it was at that commit as well")
    parser.add_argument("--without-usual", action="store_true", help="leave the usual stack out, which takes minutes")
    options = parser.parse_args()
    contenders = [Contender("today", "ours")]
    if options.before:
        contenders.insert(0, Contender(options.before, "ours", code_of(options.before)))
    usual = [] if options.without_usual else [Contender("usual", "usual")]
    row("", [one.name for one in (*usual, *contenders)])
    print("|---|" + "---|" * len([*usual, *contenders]))
    with upstream() as port:
        counted([*usual, *contenders], port)
        beginnings([*usual, *contenders], port)
        for body in BODIES:
            growth([*usual, *contenders], port, body, sorted(options.turns))


if __name__ == "__main__":
    main()
