"""Two hosts of two workers that are killed, stalled and restarted, and their database with them: nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.two_hosts_killed import disturb_again_and_again, two_hosts


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    with two_hosts(tmp_path) as hosts:
        done = await disturb_again_and_again(hosts, 12, seed=12)
    assert done["ended"] > 12
    assert done["incomplete"] > 0, "the kills met no running answers"
