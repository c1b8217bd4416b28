"""`python -m bench.crash [--kills 100] [--seed N]`: kill -9 under load, again and again, with checks after each."""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.harness.emulator import emulating
from tests.harness.service import Server
from tests.turn.crashing import SCRIPT
from tests.turn.killing import kill_again_and_again


def main() -> int:
    """Kill, check and print the tally; an AssertionError says what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-crash-") as name:
        folder = Path(name)
        with emulating(folder, SCRIPT) as emulator:
            server = Server(folder, emulator.settings(image="gpt-image-1"))
            try:
                tally = asyncio.run(kill_again_and_again(server, emulator, chosen.kills, chosen.seed))
            finally:
                server.close()
    figures = {**asdict(tally), "seconds": round(time.monotonic() - began)}
    print(" ".join(f"{name}={value}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
