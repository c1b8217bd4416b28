"""A service whose answers are known line by line, and bytes of an answer as they come through."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.harness.api import texts
from tests.harness.service import Server
from tests.harness.waiting import until

KEEP_ALIVE = 0.1
SCRIPT = """
rules:
  - {when: "count", text: ["one ", "two ", "three"]}
  - {when: "smile", text: ["😀😀😀", "😀"]}
  - {when: "clock", steps: [{tool_calls: [{name: get_current_time, arguments: {timezone: UTC}}]}, {text: "So late."}]}
  - {when: "slowly", text: ["one ", "two ", "three"], first_token_after: 0.5}
  - {when: "long", text: "end", first_token_after: 60}
  - {when: "paced", text: ["a ", "b ", "c ", "d ", "e ", "f ", "g ", "h "], tokens_per_second: 10}
"""
# In each framing, what "count" is answered: the start of each line.
COUNT = {
    "data": ['f:{"me', '0:"one', '0:"two', '0:"thr', 'e:{"fi', 'd:{"fi'],
    "ui": ["start", "start-step", "text-start", *["text-delta"] * 3, "text-end", "finish-step", "finish", "[DONE]"],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("wire")
    (folder / "script.yaml").write_text(SCRIPT)
    settings = {"MOCK_SCRIPT": "script.yaml", "KEEP_ALIVE_SECONDS": str(KEEP_ALIVE), "UPSTREAM_MAX_TRIES": "1"}
    with Server(folder, settings) as running:
        yield running


@dataclass(slots=True)
class Read:
    """What came of a call: the pieces with their times from the call on, and how it ended: whole, cut or reset."""

    status: int = 0
    headers: httpx2.Headers = field(default_factory=httpx2.Headers)
    pieces: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    ending: str = "whole"

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def conversation_id(self) -> str:
        return str(self.headers["x-conversation-id"])

    def lines(self, protocol: str) -> list[str]:
        """The lines, shortened, without keep-alives."""
        text = self.body.decode()
        if protocol == "data":
            return [line[:6] for line in text.split("\n")[:-1] if line != "2:[]"]
        chunks = [line.removeprefix("data: ") for line in text.split("\n\n")[:-1] if not line.startswith(":")]
        return [chunk if chunk == "[DONE]" else chunk.split('"')[3] for chunk in chunks]


async def read(client: httpx2.AsyncClient, method: str, path: str, asked: str | None = None, **more: Any) -> Read:
    """Make a call that asks something of the mock, and read what comes."""
    found, began = Read(), time.monotonic()
    if asked is not None:
        more["headers"] = {"x-mock": asked}
    try:
        async with client.stream(method, path, **more) as response:
            found.status, found.headers = response.status_code, response.headers
            async for piece in response.aiter_raw():
                found.pieces.append(piece)
                found.times.append(time.monotonic() - began)
    except httpx2.RemoteProtocolError:
        found.ending = "cut"
    except httpx2.ReadError:
        found.ending = "reset"
    return found


async def ask(client: httpx2.AsyncClient, text: str, asked: str | None = None, protocol: str = "data") -> Read:
    """POST /chat."""
    return await read(client, "POST", f"/chat?protocol={protocol}", asked, json={"message": text})


async def answer_of(client: httpx2.AsyncClient, found: Read) -> tuple[str, str]:
    """The answer that the turn has stored, once it has."""

    async def is_stored() -> bool:
        return len(await texts(client, found.conversation_id)) == 2

    await until(is_stored)
    return (await texts(client, found.conversation_id))[1]


@pytest.fixture(params=["data", "ui"])
def protocol(request: pytest.FixtureRequest) -> str:
    """Each framing."""
    return str(request.param)


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with a user of its own."""
    async with server.client(request.node.name) as client:
        yield client
