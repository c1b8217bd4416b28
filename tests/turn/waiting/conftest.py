"""A service whose turns wait, on each storage engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.emulator import Rule
from tests.harness.postgres import postgres
from tests.harness.world import World, start_world

APP = "tests.turn.waiting.asking_app:app"
FORM = {"name": "ask_form", "description": "Ask the user.", "parameters": {"type": "object", "properties": {"q": {}}}}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A call as a script has it."""
    return {"name": name, "arguments": arguments}


def turn(prompt: str, *calls: dict[str, Any], **keys: Any) -> Rule:
    """A turn of two steps: the calls, then words."""
    return {"when": {"equals": prompt}, "steps": [{"tool_calls": list(calls), **keys}, {"text": ["All ", "done."]}]}


RULES: list[Rule] = [
    turn("a form", call("ask_form", q="Your name?"), text=["One ", "moment."]),
    turn("two forms", call("ask_form", q="1"), call("ask_form", q="2")),
    turn("a form and the time", call("ask_form", q="1"), call("get_current_time", timezone="UTC")),
    turn("a map", call("show_map", place="Oslo")),
    turn("a mail", call("send_mail", to="ada")),
    turn("a slow mail", call("send_mail", to="slow", seconds=30)),
    turn("two mails", call("send_mail", to="ada"), call("send_mail", to="bob")),
    turn("pay little", call("pay", amount=5)),
    turn("pay much", call("pay", amount=500)),
    # An attached text follows the words.
    {**turn("", call("delete_all")), "when": "delete it"},
    turn("a ticket", call("book", place="Oslo")),
    turn("a chart and a form", call("show_chart", of="a"), call("ask_form", q="1")),
    {
        "when": {"equals": "charts around a form"},
        "steps": [
            {"tool_calls": [call("show_chart", of="a"), call("ask_form", q="1")]},
            {"tool_calls": [call("show_chart", of="b")]},
            {"tool_calls": [call("show_chart", of="a")]},
            {"text": "Done."},
        ],
    },
    turn("a mail and a form", call("send_mail", to="ada"), call("ask_form", q="1")),
]


@dataclass(frozen=True)
class Waiting:
    """The service, a client of an owner of its own, and what its tools have done."""

    world: World
    client: httpx2.AsyncClient
    ran_file: Path

    def ran(self) -> list[str]:
        """What tools have run."""
        return self.ran_file.read_text().splitlines() if self.ran_file.exists() else []


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def waiting_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("waiting")
    env = {"RAN_FILE": str(folder / "ran"), "AGENT_MAX_STEPS": "6", "MAX_DATA_PARTS_PER_TURN": "1"}
    with ExitStack() as stack:
        if request.param == "postgres":
            env["DATABASE_URL"] = postgres().url(stack.enter_context(postgres().schema()))
        yield stack.enter_context(start_world(folder, RULES, env, APP))


@pytest.fixture
async def waiting(waiting_world: World, request: pytest.FixtureRequest) -> AsyncIterator[Waiting]:
    ran_file = waiting_world.server.log_path.with_name("ran")
    ran_file.unlink(missing_ok=True)
    async with waiting_world.server.client(f"user of {request.node.name}") as client:
        yield Waiting(waiting_world, client, ran_file)
