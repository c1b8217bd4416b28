"""The graph of a turn: the model is its first step, and each further one is a step that does something."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from langgraph.config import get_config

from mockbackend.agent import graph
from mockbackend.agent.graph import TurnGraph
from mockbackend.events import Usage
from mockbackend.messages import Message
from mockbackend.storage import Turn
from mockbackend.turn.answer import Answer

ASKED: Message = {"id": "q", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "text", "text": "Hi"}]}
CALLED = [("a call", None)]
Steps = list[tuple[str, int]]


@pytest.fixture
def chat() -> Any:
    """What the nodes look at of a turn."""
    answer = Answer(Turn("ann", "c", "t", "m", 1, "data", 0, [ASKED]))
    return SimpleNamespace(answer=answer, calls=[], usage=Usage(), budget=SimpleNamespace(reached=None))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Which node was run in which step of LangGraph's. The model calls a tool, and then answers."""
    found: Steps = []

    def count() -> None:
        where = get_config()["metadata"]
        found.append((where["langgraph_node"], where["langgraph_step"]))

    async def model(chat: Any, messages: list[Message]) -> None:
        assert messages[0] == ASKED
        count()
        chat.calls = [] if len(found) > 1 else CALLED
        chat.answer.finish = "stop" if len(found) > 1 else None

    async def tool(*_: object) -> None:
        count()

    monkeypatch.setattr(graph, "run_model_step", model)
    monkeypatch.setattr(graph, "run_tool_call", tool)
    monkeypatch.setattr(graph, "left_open", lambda *_: None)
    return found


async def test_the_model_is_asked_first_and_once_more_after_its_tools(chat: Any, steps: Steps) -> None:
    await TurnGraph().run([ASKED], chat)
    assert steps == [("model", 0), ("tools", 1), ("model", 2)]


async def test_a_turn_that_goes_on_runs_its_calls_before_the_model(chat: Any, steps: Steps) -> None:
    chat.calls = CALLED
    await TurnGraph().run([ASKED], chat)
    assert steps == [("tools", 1), ("model", 2)]


async def test_turns_share_nothing(chat: Any, steps: Steps) -> None:
    shared = TurnGraph()
    for _ in range(2):
        steps.clear()
        chat.answer.finish = None
        await shared.run([ASKED], chat)
        assert steps == [("model", 0), ("tools", 1), ("model", 2)]
