"""Measure both services and print the comparison: `python -m bench.run [--only ROW] [--rounds N] [--quick]`."""

import argparse
import signal
import sys

from bench.driving import LoadError
from bench.environment import own_python, usual_python
from bench.measure import Effort
from bench.rows import ROWS
from bench.table import Figure, render


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Compare this service to the usual stack.")
    parser.add_argument("--only", action="append", choices=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=3, help="pairs of measurements for each row (default: 3)")
    parser.add_argument(
        "--quick", action="store_true", help="shorter measurements; no 400 turns, so no verdict on them"
    )
    return parser.parse_args(arguments)


def main() -> int:
    """Run the rows; return 1 if a target was missed or a row could not be measured."""
    chosen = options()
    effort = Effort(rounds=max(chosen.rounds, 1), quick=chosen.quick)
    # SIGTERM raises an exception, as Ctrl-C does, so that no server is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    usual_python()
    own_python()
    figures: list[Figure] = []
    failed = False
    for name in chosen.only or ROWS:
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        try:
            measured = ROWS[name](effort)
        except LoadError as error:
            print(f"bench: {name}: {error}", file=sys.stderr, flush=True)
            failed = True
            continue
        figures += measured
        for figure in measured:
            print("bench:   " + " | ".join(cell for cell in figure.cells() if cell), file=sys.stderr, flush=True)
    print(render(figures))
    return 1 if failed or any(figure.passed is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
