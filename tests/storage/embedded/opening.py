"""A process that opens a data folder, once the named pipe has ended: `opening FOLDER CONVERSATION PIPE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mockbackend.storage.embedded import open_embedded
from tests.storage.contract.acts import at_most


async def main(folder: Path, conversation_id: str) -> None:
    storage = await open_embedded(folder)
    row, _ = await storage.turns.begin(
        "user", conversation_id, "title", lambda _: None, limits=at_most(1), with_base=True
    )
    assert row is not None
    assert row.id == conversation_id
    await storage.close()


if __name__ == "__main__":
    with Path(sys.argv[3]).open("rb") as gate:
        print("ready", flush=True)
        gate.read()
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
