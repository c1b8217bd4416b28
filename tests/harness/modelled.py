"""The service pointed at an emulator that runs alone, so that a test can look at what the model was asked."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson

from tests.harness.http_client import PLAIN
from tests.harness.processes import Process, environment, fork, free_port
from tests.harness.service import Server

KEY = "secret-key-1"
VERSION = "2024-10-21"
Rule = dict[str, Any]


class Emulator:
    """`mockbackend emulator` in a process of its own, on a script made of these rules."""

    def __init__(self, folder: Path, rules: list[Rule] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "emulator.log"
        script = folder / "rules.yaml"
        # JSON is YAML.
        script.write_bytes(orjson.dumps({"rules": rules or []}))
        arguments = ["emulator", "--port", str(self.port), "--script", str(script), "--api-key", KEY]
        self._arguments = ["mockbackend", *arguments]
        self._folder = folder
        self._process: Process | None = None

    def azure(self, version: str = VERSION, **more: str) -> dict[str, str]:
        """The settings of the service that take it for Azure; `more` are further ones, in lower case."""
        chosen = {
            "azure_openai_endpoint": self.url,
            "azure_openai_api_key": KEY,
            "azure_openai_gpt_deployment_name": "gpt-4o",
            **({"azure_openai_api_version": version} if version else {}),
            **more,
        }
        return {name.upper(): value for name, value in chosen.items()}

    def requests(self) -> list[dict[str, Any]]:
        """The last hundred calls: `{method, path, body, status, aborted}`."""
        found: list[dict[str, Any]] = httpx2.get(f"{self.url}/emulator/requests", **PLAIN).json()["requests"]
        return found

    def asked(self, prompt: str) -> list[dict[str, Any]]:
        """The bodies of the calls whose last user message, or whose image's prompt, is this."""
        return [request["body"] for request in self.requests() if prompt_of(request["body"]) == prompt]

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = fork(self._arguments, self._folder, environment({}), log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the emulator did not start:\n{self._log.read_text()}")
            time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def prompt_of(body: Any) -> str | None:
    """What a request's body asks: the last user message as a text, or an image's prompt."""
    if not isinstance(body, dict):
        return None
    for message in reversed(body.get("messages") or []):
        if message["role"] == "user":
            content = message["content"]
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content)
    return body.get("prompt")


@dataclass(frozen=True, slots=True)
class Modelled:
    """A service and the emulator that it asks."""

    server: Server
    emulator: Emulator


@contextmanager
def modelled(
    folder: Path,
    rules: list[Rule] | None = None,
    env: Mapping[str, str] | None = None,
    app: str = "app:app",
    *,
    fresh: bool = False,
    **azure: str,
) -> Iterator[Modelled]:
    """Both, running; `azure` are arguments of `Emulator.azure`, `env` further settings."""
    with Emulator(folder, rules) as emulator:
        settings = {**emulator.azure(**azure), **(env or {})}
        with Server(folder, settings, app=app, fresh=fresh) as server:
            yield Modelled(server, emulator)


async def stored(client: httpx2.AsyncClient, conversation_id: str) -> list[dict[str, Any]]:
    """The messages of a conversation."""
    response = await client.get(f"/conversations/{conversation_id}")
    assert response.status_code == 200, response.text
    messages: list[dict[str, Any]] = response.json()["messages"]
    return messages


def log_of(server: Server, request_id: str) -> str:
    """The log's lines of one request, what belongs to them included."""
    found: list[str] = []
    within = False
    for line in server.log.splitlines():
        if not line.startswith("  "):
            within = f"[{request_id}]" in line
        if within:
            found.append(line)
    return "\n".join(found)
