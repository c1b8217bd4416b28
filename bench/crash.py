"""`python -m bench.crash [--postgres] [--kills 100] [--seed N]`: kill -9 under load, again and again, with checks."""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.deploy.two_hosts_killed import disturb_again_and_again, two_hosts
from tests.harness.emulator import emulating
from tests.harness.service import Server
from tests.turn.crashing import SCRIPT
from tests.turn.killing import kill_again_and_again


def main() -> int:
    """Kill, check and print the tally; an AssertionError says what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="two hosts behind nginx over one PostgreSQL")
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-crash-") as name:
        folder = Path(name)
        figures = (on_two_hosts if chosen.postgres else on_one)(folder, chosen.kills, chosen.seed)
    figures["seconds"] = round(time.monotonic() - began)
    print(" ".join(f"{name}={value}" for name, value in figures.items()))
    return 0


def on_one(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """A service on a data folder."""
    with emulating(folder, SCRIPT) as emulator:
        server = Server(folder, emulator.settings(image="gpt-image-1"))
        try:
            return asdict(asyncio.run(kill_again_and_again(server, emulator, kills, seed)))
        finally:
            server.close()


def on_two_hosts(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Two services of two workers, killed and stalled and restarted, and so is their PostgreSQL."""
    with two_hosts(folder) as hosts:
        return dict(asyncio.run(disturb_again_and_again(hosts, kills, seed)))


if __name__ == "__main__":
    sys.exit(main())
