"""`python -m bench.gap`: the longest silence within streaming answers, at rest and while a 300-page PDF is indexed.

Answers come at 100 tokens a second from an emulator in its own process, which also computes embeddings. The client
measures the time between two deltas.
"""

import asyncio
import itertools
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import httpx2

from tests.documents.sample_files import SENTENCE, pdf
from tests.harness.emulator import Rule
from tests.harness.world import start_world

PAGES = 300
STREAMS = 5
TOKENS = 800
RATE = 100
RULES: list[Rule] = [{"when": {"regex": "Count"}, "text": "word " * TOKENS, "tokens_per_second": RATE}]


async def gaps(client: httpx2.AsyncClient) -> list[float]:
    """The seconds between the deltas of one answer."""
    async with client.stream("POST", "/chat", json={"message": "Count"}) as response:
        times = [time.perf_counter() async for chunk in response.aiter_bytes() if b"0:" in chunk]
    return [after - before for before, after in itertools.pairwise(times)]


async def streamed(client: httpx2.AsyncClient) -> list[float]:
    """The gaps of several concurrent answers."""
    return [gap for found in await asyncio.gather(*(gaps(client) for _ in range(STREAMS))) for gap in found]


async def indexed(client: httpx2.AsyncClient, path: Path) -> float:
    """Upload a file and wait until it is ready; return the seconds it took."""
    began = time.perf_counter()
    row = (await client.post("/files", files=[("files", (path.name, path.read_bytes()))])).json()[0]
    while row["status"] not in ("ready", "failed"):
        await asyncio.sleep(0.1)
        row = (await client.get(f"/files/{row['id']}")).json()
    if row["status"] == "failed":
        raise RuntimeError(row["error"])
    return time.perf_counter() - began


async def main() -> None:
    """Measure and print a line for each state."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The first file imports numpy; later ones find it loaded.
        paths = {
            f"while the {which} is indexed": pdf(
                folder / f"{which}.pdf", [f"The {which}, page {page}. " + f"{SENTENCE}\n" * 40 for page in range(PAGES)]
            )
            for which in ("first", "second")
        }
        with start_world(folder, RULES, embedding="text-embedding-3-small") as model:
            async with model.server.client() as client:
                await gaps(client)
                for meanwhile, path in {"at rest": None, **paths}.items():
                    streaming = asyncio.create_task(streamed(client))
                    seconds = await indexed(client, path) if path else 0.0
                    found = [gap * 1000 for gap in await streaming]
                    print(
                        f"{meanwhile}: median {median(found):.1f} ms, 99 % {quantiles(found, n=100)[-1]:.1f} ms, "
                        f"longest {max(found):.1f} ms" + (f"; indexed in {seconds:.1f} s" if seconds else "")
                    )


if __name__ == "__main__":
    asyncio.run(main())
