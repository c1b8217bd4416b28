"""A client's hook, rendered in a Node process: `driver/main.mjs` takes commands and reports what the hook holds."""

from __future__ import annotations

import base64
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.packages import HERE, NODE
from tests.harness.processes import environment
from tests.harness.service import AUTH

DRIVER = HERE / "driver"
PATIENCE = 30.0
LOGIN = {"authorization": "Basic " + base64.b64encode(":".join(AUTH).encode()).decode(), "userid": "user-1"}


class Process:
    """One Node process with one generation's packages."""

    def __init__(self, kind: str, packages: Path, log: Path) -> None:
        self._log = log
        env = environment({"PACKAGES": str(packages), "CLIENT": kind})
        command = [str(NODE), "--import", str(DRIVER / "register.mjs"), str(DRIVER / "main.mjs")]
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._replies: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._is_ready = False

    def _read(self) -> None:
        for line in self._stdout:
            self._replies.put(line)
        self._replies.put("")

    def _reply(self) -> Any:
        line = self._replies.get(timeout=PATIENCE)
        assert line, f"the client's process is gone:\n{self._log.read_text()}"
        reply = json.loads(line)
        assert "error" not in reply, reply["error"]
        return reply["value"]

    def __call__(self, command: str, **given: Any) -> Any:
        """Have a command carried out; its value."""
        if not self._is_ready:
            self._is_ready = self._reply() == "ready"
        self._stdin.write(json.dumps({"command": command, **given}) + "\n")
        self._stdin.flush()
        return self._reply()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._stdin.close()
        self._stdout.close()


@dataclass(frozen=True, slots=True)
class Client:
    """How one of the clients is used: its packages, and the protocol that it asks for."""

    name: str
    kind: str
    api: str
    protocol: str

    @property
    def resumes(self) -> bool:
        """Whether its hook joins a running answer."""
        return self.kind != "assistant-ui"


CLIENTS = [
    Client("AI SDK 4", "ai-sdk-4", "/chat", "data"),
    Client("AI SDK 5", "ai-sdk-5", "/chat", "ui"),
    Client("AI SDK 6", "ai-sdk-6", "/chat", "ui"),
    Client("AI SDK 7", "ai-sdk-7", "/chat", "ui"),
    Client("assistant-ui, data stream", "assistant-ui", "/chat", "data"),
    Client("assistant-ui, UI message stream", "assistant-ui", "/chat?protocol=ui", "ui"),
]


class Page:
    """A page with a conversation in it: what a person does there, and what the hook holds."""

    def __init__(self, process: Process, name: str, options: dict[str, Any]) -> None:
        self._process = process
        self._name = name
        self.is_left = False
        process("mount", chat=name, options=options)

    def act(self, what: str, **given: Any) -> None:
        """send, edit, regenerate or stop; the answer is not waited for."""
        self._process("act", chat=self._name, what=what, **given)

    def wait(self, **until: Any) -> dict[str, Any]:
        """What the hook holds once it is so: `status`, `words`, `responses`."""
        held: dict[str, Any] = self._process("wait", chat=self._name, **until)
        return held

    def send(self, text: str, **given: Any) -> dict[str, Any]:
        """Say something and wait for the answer's end."""
        self.act("send", text=text, **given)
        return self.wait(status="ready")

    def held(self) -> dict[str, Any]:
        """What the hook holds now."""
        held: dict[str, Any] = self._process("state", chat=self._name)
        return held

    def leave(self) -> None:
        """Leave the page; all that it held is lost."""
        if not self.is_left:
            self._process("unmount", chat=self._name)
        self.is_left = True


OpenPage = Callable[..., Page]


def until(read: Callable[[], Any], is_so: Callable[[Any], bool], within: float = 10.0) -> Any:
    """What was read, once it is so."""
    deadline = time.monotonic() + within
    while not is_so(value := read()):
        assert time.monotonic() < deadline, value
        time.sleep(0.02)
    return value
