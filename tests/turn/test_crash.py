"""kill -9 of the real server at random points under load; after each restart everything is valid and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.emulator import emulating
from tests.harness.service import Server
from tests.turn.crashing import SCRIPT
from tests.turn.killing import kill_again_and_again

KILLS = 20


@pytest.mark.slow
async def test_after_each_of_twenty_kills_everything_is_valid_and_goes_on(tmp_path: Path) -> None:
    with emulating(tmp_path, SCRIPT) as emulator:
        server = Server(tmp_path, emulator.settings(image="gpt-image-1"))
        try:
            tally = await kill_again_and_again(server, emulator, KILLS, seed=20)
        finally:
            server.close()
    assert tally.cut > KILLS, "the kills met too few running answers"
    assert tally.images > KILLS / 2
