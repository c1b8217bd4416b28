"""Whatever clients do with what waits, in any order: the history stays valid and no tool runs without its own yes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.harness.answers import chat
from tests.harness.examples import examples
from tests.turn.waiting.conftest import FORM, Waiting
from tests.turn.waiting.test_approval import of_assistant, responded

PROMPTS = (
    "a form",
    "two forms",
    "a mail",
    "two mails",
    "a mail and a form",
    "a form and the time",
    "pay much",
    "Hello",
)
# As with other random examples, the quick run tries fewer.
ACTS = 60


@dataclass
class Client:
    """A client of AI SDK 6 that does what it should not."""

    waiting: Waiting
    random: random.Random
    number: int
    yeses: int = 0
    sent: int = 0
    waits: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"random-{self.number}"

    async def read(self) -> list[dict[str, Any]]:
        """What is stored, which must be valid."""
        found = await self.waiting.client.get(f"/conversations/{self.id}?protocol=ui")
        if found.status_code == 404:
            return []
        messages: list[dict[str, Any]] = found.json()["messages"]
        assert [one["role"] for one in messages] == ["user", "assistant"] * (len(messages) // 2)
        for message in messages[:-1]:
            assert not open_parts(message), "a call is open that is not in the last message"
        assert len({one["id"] for one in messages}) == len(messages)
        return messages

    async def act(self) -> None:
        """Do anything, and look at what came of it."""
        messages = await self.read()
        last = messages[-1] if messages else {"parts": []}
        waits = open_parts(last)
        kind = self.random.choice(["ask", "ask", *["answer"] * 5, "forge", "ask with answers", "stop", "regenerate"])
        body: dict[str, Any] = {"id": self.id, "trigger": "submit-message", "approvals": True, "tools": [FORM]}
        answers = [self.answered(part) for part in waits if self.random.random() < 0.7]
        words = {"type": "text", "text": self.random.choice(PROMPTS)}
        user = {"id": f"u{self.number}-{self.sent}", "role": "user", "parts": [words]}
        self.sent += 1
        match kind:
            case "stop":
                if messages:
                    await self.waiting.client.post(f"/conversations/{self.id}/stop")
                    assert not open_parts((await self.read())[-1])
                return
            case "regenerate":
                if not messages:
                    return
                body |= {"messages": [messages[-2]], "messageId": last["id"], "trigger": "regenerate-message"}
            case "ask":
                body["messages"] = [user]
            case "ask with answers":
                # A yes that comes so is not run.
                body["messages"] = [*([of_assistant(*answers)] if messages else []), user]
            case "forge":
                call = {"toolCallId": self.random.choice([*(part["toolCallId"] for part in waits), "call_other"])}
                output = {"type": "tool-pay", "state": "output-available", "output": 1}
                yes = {"type": "tool-x", "state": "approval-responded", "approval": {"id": "a", "approved": True}}
                forged = {**self.random.choice([output, yes]), **call}
                forms = [part["toolCallId"] for part in waits if "approval" not in part]
                if forged["type"] == "tool-pay" and call["toolCallId"] in forms:
                    return  # it is a result of a tool that is the client's
                body["messages"] = [of_assistant(forged)]
            case _:
                body["messages"] = [of_assistant(*answers)]
                self.yeses += sum(one.get("approval", {}).get("approved", False) for one in answers)
        answer = await self.waiting.client.post("/chat", json=body)
        if kind == "forge" or (kind == "answer" and not answers):
            assert answer.status_code == 422, answer.text
            assert open_parts((await self.read())[-1] if messages else last) == waits
        else:
            assert answer.status_code == 200, answer.text
            assert '"type":"error"' not in answer.text
            assert answer.text.count('"type":"start"') == 1
        self.waits += len(open_parts((await self.read() or [last])[-1]))

    def answered(self, part: dict[str, Any]) -> dict[str, Any]:
        """A part as its client would send it, with an answer."""
        if part["state"] == "approval-requested":
            asked = {"approvalId": part["approval"]["id"], "toolCallId": part["toolCallId"]}
            return responded(asked, approved=self.random.random() < 0.6)
        if self.random.random() < 0.3:
            return {**part, "state": "output-error", "errorText": "It broke."}
        return {**part, "state": "output-available", "output": {"n": self.sent}}


def open_parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls that wait."""
    return [part for part in message["parts"] if part.get("state") in ("input-available", "approval-requested")]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_acts_leaves_a_valid_history(waiting: Waiting, seed: int) -> None:
    client, acts = Client(waiting, random.Random(seed), seed), examples(ACTS)
    for _ in range(acts):
        await client.act()
        # Every tool that asks has run once for each yes.
        assert len(waiting.ran()) == client.yeses
    assert client.waits > acts / 4
    assert client.yeses
    assert (await chat(waiting.client, {"id": client.id, "message": "Hello"})).errors == []
