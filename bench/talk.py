"""A conversation with a service, whose turns have bodies of one kind: what a front end sends with each turn."""

import base64
import http.client
import uuid
from collections.abc import Callable
from typing import Any, Protocol

import orjson

from bench.driving import TIMEOUT, LoadError
from bench.job import PASSWORD, USER
from bench.procfs import thread_milliseconds

# A kilobyte asked and one answered; and as people write.
LONG = "tokens=20 size=50 ".ljust(1024, "x")
SHORT = "tokens=120 size=5 ".ljust(80, "x")


def one_message(text: str, turns: int) -> dict[str, Any]:
    """The new message alone."""
    return {"message": text}


def list_without_ids(text: str, turns: int) -> dict[str, Any]:
    """The whole conversation, by position, as AI SDK 4 sends it."""
    return {"messages": [{"role": role, "content": words} for role, words in _said(text, turns)]}


def list_with_ids(text: str, turns: int) -> dict[str, Any]:
    """The whole conversation in parts, as AI SDK 5 to 7 send it. Those of the user have the ids that are stored."""
    messages = [
        {"id": f"m{number}", "role": role, "parts": [{"type": "text", "text": words}]}
        for number, (role, words) in enumerate(_said(text, turns))
    ]
    return {"messages": messages, "trigger": "submit-message"}


def _said(text: str, turns: int) -> list[tuple[str, str]]:
    return [("user", text), *[("assistant", "y" * 1_000), ("user", text)] * (turns - 1)]


BODIES: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "one message": one_message,
    "list without ids": list_without_ids,
    "list with ids": list_with_ids,
}


class Service(Protocol):
    """A running service: one of the benchmark's, or one of the tests'."""

    @property
    def pid(self) -> int:
        """Its process."""

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""


class Talk:
    """A conversation, whose turns share a connection. Each method returns the service's milliseconds of CPU."""

    def __init__(self, server: Service, name: str, body: str = "one message", text: str = LONG) -> None:
        self.server = server
        self._name = name.replace(" ", "-")
        self._body = BODIES[body]
        self._text = text
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
        self.turns = 0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def go_on(self, turns: int = 1) -> float:
        """Add that number of turns; the mean of them."""

        def add() -> None:
            for _ in range(turns):
                self.turns += 1
                self._ask({"id": self._name, **self._body(self._text, self.turns)})

        return self._spent(add) / max(1, turns)

    def begin(self) -> float:
        """Begin another conversation."""
        self._name, self.turns = str(uuid.uuid4()), 0
        return self.go_on()

    def up_to(self, turns: int) -> None:
        """Add turns until there is that number."""
        self.go_on(max(0, turns - self.turns))

    def read(self) -> float:
        """Read the whole conversation."""
        return self._spent(lambda: self._call("GET", f"/conversations/{self._name}"))

    def regenerate(self, turn: int) -> float:
        """Ask that turn's question again, in place of what follows it."""
        stored = orjson.loads(self._call("GET", f"/conversations/{self._name}"))["messages"]
        [*_, message_id] = [one["id"] for one in stored if one["role"] == "user"][:turn]
        message = {"id": message_id, "role": "user", "content": self._text}
        self.turns = turn
        return self._spent(lambda: self._ask({"id": self._name, "message": message}))

    def _spent(self, work: Callable[[], object]) -> float:
        # The service may have closed one that was idle while others were measured.
        self._connection.close()
        before = thread_milliseconds(self.server.pid)
        work()
        return thread_milliseconds(self.server.pid) - before

    def _ask(self, body: dict[str, Any]) -> None:
        said = self._call("POST", "/chat", orjson.dumps(body))
        if b"\nd:" not in said and b"[DONE]" not in said:
            raise LoadError(f"not an answer: {said[:200]!r}")

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "userid": "bench", "Content-Type": "application/json"}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise LoadError(f"{method} {path}: {answer.status} {said[:200]!r}")
        return said
