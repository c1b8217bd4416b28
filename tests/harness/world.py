"""A service and the emulator that it asks, each looked at from outside."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.harness.emulator import KEY, VERSION, Served
from tests.harness.service import Server, lines, next_of

WORDS = tuple(f"word{number} " for number in range(400))
PACE = 40
# Prompts that the tests use, and what the emulator does with them.
SCRIPT = f"""
rules:
  - when: "speak slowly"
    text: {list(WORDS)}
    tokens_per_second: {PACE}
  - when: "count to ten"
    text: {[f"{number} " for number in range(1, 11)]}
    tokens_per_second: 10
  - when: "time, then slowly"
    steps:
      - tool_calls: [{{name: get_current_time, arguments: {{timezone: Europe/Oslo}}}}]
      - text: {list(WORDS)}
        tokens_per_second: {PACE}
  - when: "paint slowly"
    steps:
      - text: "Wait. "
        tool_calls: [{{name: generate_image, arguments: {{prompt: "a slow picture"}}}}]
      - text: "Painted."
  - when: "paint a fox"
    steps:
      - tool_calls: [{{name: generate_image, arguments: {{prompt: "a red fox"}}}}]
      - text: "Here it is."
  - when: "write arguments slowly"
    tool_calls: [{{name: generate_image, arguments: {{prompt: "{"a long description " * 20}"}}}}]
    fragment: 4
    tokens_per_second: 20
  - when: "busy for long"
    fault: {{kind: status, status: 429, retry_after_ms: 15000}}
  - when: "fall silent"
    text: ["one ", "two ", "three "]
    fault: {{kind: stall, after: 2, seconds: 600}}
  - when: "never begin"
    first_token_after: 600
  - kind: image
    when: "slow picture"
    delay: 600
"""


def azure(emulator: Served) -> dict[str, str]:
    """The settings that point the service at this emulator."""
    return {
        "AZURE_OPENAI_ENDPOINT": emulator.url,
        "AZURE_OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_API_VERSION": VERSION,
        "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "gpt-4o",
        "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME": "gpt-image-1",
    }


@dataclass(frozen=True)
class World:
    """The two of them."""

    emulator: Served
    server: Server

    async def asked(self, last: str) -> list[Any]:
        """The bodies of the chat calls whose last user message says this, oldest first."""
        calls = [call for call in (await self.emulator.journal())["requests"] if "messages" in (call["body"] or {})]
        return [call["body"] for call in calls if said(call["body"])[-1] == ("user", last)]

    async def call_of(self, last: str) -> Any:
        """The newest call of that kind, as the journal has it."""
        calls = (await self.emulator.journal())["requests"]
        found = [call for call in calls if (call["body"] or {}).get("messages", [{}])[-1].get("content") == last]
        return found[-1]

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the metadata database."""
        return rows(self.server.data_dir, statement, *values)


def rows(data: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of a data folder's metadata database, read from outside."""
    with closing(sqlite3.connect(data / "conversation_metadata.db", timeout=10)) as connection:
        return connection.execute(statement, values).fetchall()


def said(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Roles and contents of a chat call's history up to its last user message, the system's left out."""
    messages = [(message["role"], message["content"]) for message in body["messages"] if message["role"] != "system"]
    last = max(index for index, (role, _) in enumerate(messages) if role == "user")
    return messages[: last + 1]


async def until(found: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    """Wait until it is found, and no longer than that."""
    async with asyncio.timeout(within):
        while not await found():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def idle(client: httpx2.AsyncClient) -> None:
    """Wait until no turn runs in the process behind this client."""

    async def none() -> bool:
        running: int = (await client.get("/health")).json()["running_turns"]
        return running == 0

    await until(none)


Lines = AsyncIterator[tuple[str, Any]]


@dataclass(frozen=True)
class Stream:
    """A stream that is being read."""

    response: httpx2.Response
    lines: Lines

    @property
    def conversation_id(self) -> str:
        """The conversation that it belongs to."""
        return str(self.response.headers["x-conversation-id"])

    async def until(self, code: str) -> Any:
        """Read on to the next line of this code; its value."""
        return await next_of(self.lines, code)

    async def rest(self) -> list[tuple[str, Any]]:
        """Read on to the end."""
        return [one async for one in self.lines]


@asynccontextmanager
async def posting(client: httpx2.AsyncClient, message: str, **body: Any) -> AsyncIterator[Stream]:
    """POST /chat; leaving aborts what is left of it, as a browser's stop does."""
    async with client.stream("POST", "/chat", json={"message": message, **body}) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response, lines(response))


@asynccontextmanager
async def joining(client: httpx2.AsyncClient, conversation_id: str) -> AsyncIterator[Stream]:
    """Join the running answer."""
    async with client.stream("GET", f"/chat/{conversation_id}/stream") as response:
        assert response.status_code == 200
        yield Stream(response, lines(response))


def text_of(read: list[tuple[str, Any]]) -> str:
    """The text deltas, joined."""
    return "".join(value for code, value in read if code == "0")


def codes_of(read: list[tuple[str, Any]]) -> str:
    """The codes in their order, neighbours of a kind as one."""
    codes = [code for code, _ in read]
    return "".join(code for index, code in enumerate(codes) if index == 0 or codes[index - 1] != code)


def files(folder: Path, pattern: str = "*") -> Iterator[str]:
    """The names of the files there."""
    return (path.name for path in folder.glob(pattern) if path.is_file())
