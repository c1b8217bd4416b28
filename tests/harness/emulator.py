"""The emulator in a thread, under Hypercorn, and what a test wants of it."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx2
import openai
import orjson
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.routing import Mount

from mockbackend.emulator.gateway.journal import Entry, Journal
from mockbackend.server import emulator_alone
from tests.harness.http_client import PLAIN

KEY = "secret-key-1"
VERSION = "2024-10-21"
Rule = dict[str, Any]
HI = [{"role": "user", "content": "hi"}]


class Noise(logging.Handler):
    """What the server logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Emulator:
    """An emulator under Hypercorn, at `url`; leaving it checks that the server logged no error.

    It takes any key, unless `api_key` is given; a service that has its settings sends KEY.
    """

    def __init__(self, script: Path | None = None, api_key: str | None = None) -> None:
        self._app = emulator_alone.create(script, api_key)
        emulator = self._app.routes[-1]
        assert isinstance(emulator, Mount)
        self._journal: Journal = cast("Starlette", emulator.app).state.journal
        # What has been looked at, with its body.
        self._read: list[tuple[Entry, Any]] = []
        # Listening before the thread starts: nobody has to wait for it.
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.noise = Noise()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        assert self.noise.lines == []

    def _run(self) -> None:
        config = Config()
        config.bind = [f"fd://{self._socket.detach()}"]
        config.graceful_timeout = 0.1
        logger = logging.Logger("emulator")
        logger.addHandler(self.noise)
        config.errorlog = logger
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve(cast("Any", self._app), config, shutdown_trigger=self._over.wait))

    def http(self) -> httpx2.AsyncClient:
        """A plain client with the key, for looking at bytes."""
        return httpx2.AsyncClient(base_url=self.url, headers={"api-key": KEY}, timeout=20, **PLAIN)

    def azure(self, api_key: str | None = KEY, azure_ad_token: str | None = None) -> openai.AsyncAzureOpenAI:
        """The Azure client on dated paths, without retries."""
        return openai.AsyncAzureOpenAI(
            azure_endpoint=self.url,
            api_version=VERSION,
            api_key=api_key,
            azure_ad_token=azure_ad_token,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpx2Client(**PLAIN),
        )

    def v1(self, path: str = "/openai/v1/", max_retries: int = 0) -> openai.AsyncOpenAI:
        """OpenAI's own client, which sends the key as a Bearer token."""
        return openai.AsyncOpenAI(
            base_url=f"{self.url}{path}",
            api_key=KEY,
            max_retries=max_retries,
            http_client=openai.DefaultAsyncHttpx2Client(**PLAIN),
        )

    async def chat(self, text: str = "hi", deployment: str = "gpt-4o", **body: Any) -> httpx2.Response:
        """The unstreamed answer to one user message, with other keys of the body."""
        return await self.post("chat/completions", deployment, {"messages": _user(text), **body})

    async def post(self, path: str, deployment: str, body: Any, version: str = VERSION) -> httpx2.Response:
        async with self.http() as http:
            return await http.post(f"/openai/deployments/{deployment}/{path}?api-version={version}", json=body)

    async def stream(self, text: str = "hi", deployment: str = "gpt-4o", **body: Any) -> Stream:
        """The stream that answers one user message, read to its end or to where it breaks."""
        body = {"messages": _user(text), "stream": True, **body}
        path = f"/openai/deployments/{deployment}/chat/completions?api-version={VERSION}"
        read = Stream()
        async with self.http() as http, http.stream("POST", path, json=body) as response:
            read.headers = response.headers
            try:
                async for piece in response.aiter_raw():
                    read.raw += piece
            except httpx2.RemoteProtocolError:
                read.broken = True
        return read

    def settings(
        self, version: str = VERSION, *, chat: str = "gpt-4o", image: str = "", embedding: str = ""
    ) -> dict[str, str]:
        """The settings of a service that takes it for Azure, with these deployments."""
        chosen = {
            "AZURE_OPENAI_ENDPOINT": self.url,
            "AZURE_OPENAI_API_KEY": KEY,
            "AZURE_OPENAI_API_VERSION": version,
            "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": chat,
            "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME": image,
            "AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME": embedding,
        }
        return {name: value for name, value in chosen.items() if value}

    def requests(self) -> list[Any]:
        """The last hundred calls: `{method, path, body, status, aborted}`."""
        found: list[Any] = httpx2.get(f"{self.url}/emulator/requests", **PLAIN).json()["requests"]
        return found

    def call(self, prompt: str) -> Any:
        """The newest call that asks this."""
        return [entry.to_json() for entry, body in self._bodies() if prompt_of(body) == prompt][-1]

    def asked(self, prompt: str) -> list[Any]:
        """The bodies of the calls whose last user message, or whose image's prompt, is this; oldest first."""
        return [body for _, body in self._bodies() if prompt_of(body) == prompt]

    @property
    def newest(self) -> Any:
        """The body of the newest call."""
        return self._bodies()[-1][1]

    @property
    def open(self) -> int:
        """How many calls are being answered."""
        return self._journal.open

    def _bodies(self) -> list[tuple[Entry, Any]]:
        """The last hundred calls, each of which is parsed once: over HTTP tests would spend most of their time here."""
        read = {id(entry): body for entry, body in self._read}
        self._read = [
            (entry, read[id(entry)] if id(entry) in read else entry.to_json()["body"])
            for entry in self._journal.calls()
        ]
        return self._read

    async def journal(self) -> Any:
        """The calls, and how many are open."""
        async with httpx2.AsyncClient(base_url=self.url, **PLAIN) as http:
            return (await http.get("/emulator/requests")).json()


@dataclass(slots=True)
class Stream:
    """The bytes of a streamed answer. `broken`: the connection closed before the body's end."""

    raw: bytes = b""
    broken: bool = False
    headers: httpx2.Headers = field(default_factory=httpx2.Headers)

    @property
    def blocks(self) -> list[bytes]:
        """The events as they were sent, without their empty line."""
        *whole, rest = self.raw.split(b"\n\n")
        assert rest == b"", f"ends within an event: {rest!r}"
        return whole

    @property
    def done(self) -> bool:
        return self.raw.endswith(b"data: [DONE]\n\n")

    @property
    def documents(self) -> list[Any]:
        """The events parsed, [DONE] left out."""
        return [orjson.loads(block.removeprefix(b"data: ")) for block in self.blocks if block != b"data: [DONE]"]

    @property
    def choices(self) -> list[Any]:
        return [document["choices"][0] for document in self.documents if document.get("choices")]

    @property
    def texts(self) -> list[str]:
        """The text deltas that say something."""
        deltas = (choice.get("delta", {}) for choice in self.choices)
        return [delta["content"] for delta in deltas if delta.get("content")]

    @property
    def finish(self) -> list[str]:
        """Every finish_reason that came, in order."""
        return [choice["finish_reason"] for choice in self.choices if choice["finish_reason"]]


async def read_deltas(stream: openai.AsyncStream[Any]) -> AsyncIterator[str]:
    """The text deltas of openai's typed stream."""
    async for chunk in stream:
        for choice in chunk.choices:
            if choice.delta and choice.delta.content:
                yield choice.delta.content


def _user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def tool(name: str) -> dict[str, Any]:
    """A tool as requests offer it."""
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


def prompt_of(body: Any) -> str | None:
    """What a request's body asks: the last user message as a text, or an image's prompt."""
    if not isinstance(body, dict):
        return None
    for message in reversed(body.get("messages") or body.get("input") or []):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message["content"]
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content)
    return body.get("prompt")


def said(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Roles and contents of a chat call's history up to its last user message, the system's left out."""
    messages = [(message["role"], message["content"]) for message in body["messages"] if message["role"] != "system"]
    last = max(index for index, (role, _) in enumerate(messages) if role == "user")
    return messages[: last + 1]


@contextmanager
def emulating(folder: Path, script: str | list[Rule], api_key: str | None = None) -> Iterator[Emulator]:
    """An emulator that follows this script: its YAML, or its rules."""
    path = folder / "script.yaml"
    # JSON is YAML.
    path.write_text(script if isinstance(script, str) else orjson.dumps({"rules": script}).decode())
    with Emulator(path, api_key) as emulator:
        yield emulator
