"""Measure a turn of a long conversation by what the client sends: `python -m bench.bodies [--turns N ...]`.

One conversation for each kind of body, with a kilobyte asked and a kilobyte answered per turn: one message; the whole
list without ids, as AI SDK 4 sends it; the whole list with ids, as AI SDK 5 to 7 send it.
"""

import argparse
import base64
import http.client
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson

from bench.job import PASSWORD, USER
from bench.procfs import thread_milliseconds
from bench.rows.history import MESSAGE
from bench.servers import Server, upstream, warm_service

BLOCKS, BLOCK = 5, 4
ANSWER = "y" * 1_000
MARKS = (10, 24, 100, 400)


def one_message(turns: int) -> dict[str, Any]:
    """The new message alone."""
    return {"message": MESSAGE}


def list_without_ids(turns: int) -> dict[str, Any]:
    """The whole conversation, by position."""
    return {"messages": [{"role": role, "content": text} for role, text in _said(turns)]}


def list_with_ids(turns: int) -> dict[str, Any]:
    """The whole conversation in parts; only the user's messages have the ids that are stored."""
    messages = [
        {"id": f"m{number}", "role": role, "parts": [{"type": "text", "text": text}]}
        for number, (role, text) in enumerate(_said(turns))
    ]
    return {"messages": messages, "trigger": "submit-message"}


def _said(turns: int) -> list[tuple[str, str]]:
    return [("user", MESSAGE), *[("assistant", ANSWER), ("user", MESSAGE)] * (turns - 1)]


BODIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "one message": one_message,
    "list without ids": list_without_ids,
    "list with ids": list_with_ids,
}


class Talk:
    """A conversation whose turns all have bodies of one kind."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name
        self._turns = 0

    def go_on(self, turns: int) -> float:
        """Add that number of turns; the milliseconds of CPU that the service spent on each."""
        before = thread_milliseconds(self._server.pid)
        for _ in range(turns):
            self._turns += 1
            self._say({"id": self._name.replace(" ", "-"), **BODIES[self._name](self._turns)})
        return (thread_milliseconds(self._server.pid) - before) / max(1, turns)

    def up_to(self, turns: int) -> None:
        """Add turns until there is that number."""
        self.go_on(max(0, turns - self._turns))

    def _say(self, body: dict[str, Any]) -> None:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "userid": "bench", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        connection.request("POST", "/chat", orjson.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != 200 or (b"\nd:" not in said and b"[DONE]" not in said):
            raise SystemExit(f"not an answer: {said[:200]!r}")


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, nargs="+", default=MARKS, help="where to measure")
    marks = parser.parse_args().turns
    with upstream() as port, warm_service("ours", port) as server:
        talks = [Talk(server, name) for name in BODIES]
        print("| CPU ms of a turn at | " + " | ".join(BODIES) + " |")
        print("|---|" + "---|" * len(BODIES))
        for mark in sorted(marks):
            for talk in talks:
                talk.up_to(mark - BLOCKS * BLOCK // 2)
            blocks = [[talk.go_on(BLOCK) for talk in talks] for _ in range(BLOCKS)]
            print(f"| {mark} | " + " | ".join(f"{median(one):.1f}" for one in zip(*blocks, strict=True)) + " |")


if __name__ == "__main__":
    main()
