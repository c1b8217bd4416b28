"""The client, in its own process: `python -m bench.load` reads a job and prints a tally.

It prints the line `open` once every stream of the first wave has received its first delta.
"""

import asyncio
import re
import sys
import time
from dataclasses import asdict

import orjson
import uvloop

from bench.job import Job, Tally
from bench.stream import Stream, request

WAIT = 300.0
"""The longest time a turn may take."""


class Load:
    """A running job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._tally = Tally()
        self._left = job.turns
        self._began = 0.0
        self._unopened = min(job.at_once, job.turns)
        expected = re.search(r"tokens=(\d+)", job.message)
        self._expected = int(expected.group(1)) if expected else 20

    async def run(self) -> Tally:
        """Run all turns."""
        self._began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for place in range(min(self._job.at_once, self._job.turns)):
                group.create_task(self._work(place))
        self._tally.seconds = time.perf_counter() - self._began
        return self._tally

    async def _work(self, place: int) -> None:
        await asyncio.sleep(self._job.ramp * place / self._job.at_once)
        stream = await self._connect()
        while self._more():
            stream = await self._turn(stream)
        stream.close()

    def _more(self) -> bool:
        self._left -= 1
        return self._left >= 0 or time.perf_counter() - self._began < self._job.seconds

    async def _connect(self) -> Stream:
        _, stream = await asyncio.get_running_loop().create_connection(
            lambda: Stream(self._job, self._opened), "127.0.0.1", self._job.port
        )
        return stream

    def _opened(self) -> None:
        self._unopened -= 1
        if self._unopened == 0:
            print("open", flush=True)

    async def _turn(self, stream: Stream) -> Stream:
        data = request(self._job)
        if not stream.usable:
            stream = await self._connect()
        async with asyncio.timeout(WAIT):
            if not await stream.run(data):
                stream = await self._connect()
                await stream.run(data)
        self._tally.turns += 1
        self._tally.tokens += stream.tokens
        self._tally.firsts.append(stream.first)
        if stream.fault:
            self._tally.faults.append(stream.fault)
        elif stream.tokens != self._expected:
            self._tally.faults.append(f"{stream.tokens} deltas, not {self._expected}")
        return stream


def main() -> None:
    """Read a job, run it, print its tally."""
    job = Job(**orjson.loads(sys.stdin.buffer.read()))
    tally = uvloop.run(Load(job).run())
    print(orjson.dumps(asdict(tally)).decode(), flush=True)


if __name__ == "__main__":
    main()
