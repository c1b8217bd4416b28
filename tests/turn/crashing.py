"""A server under load that is killed at random points, and what must be true after each restart."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.harness.answers import line
from tests.harness.data_folder import files, rows
from tests.harness.service import Server
from tests.turn.valid import check_conversation

SENTENCE = tuple(f"word{number} " for number in range(60))
# Longer than the second that a kill may cost: otherwise nothing could be missed.
SPEECH = tuple(f"word{number} " for number in range(300))
# Each prompt holds one of these; the answers are known, so that what was kept of them can be judged.
SCRIPT = f"""
rules:
  - when: "speak"
    text: {list(SENTENCE)}
    tokens_per_second: 60
  - when: "recite"
    text: {list(SPEECH)}
    tokens_per_second: 60
  - when: "clock"
    steps:
      - text: ["I ", "look. "]
        tool_calls: [{{name: get_current_time, arguments: {{timezone: Europe/Oslo}}}}]
        tokens_per_second: 60
      - text: {list(SENTENCE)}
        tokens_per_second: 120
  - when: "paint"
    steps:
      - tool_calls: [{{name: generate_image, arguments: {{prompt: "a fox"}}}}]
        tokens_per_second: 60
      - text: ["There ", "it ", "is."]
        tokens_per_second: 30
  - when: "continue"
    text: "Continued."
  - kind: image
    when: "fox"
    delay: 0.1
"""
ANSWERS = {
    "speak": "".join(SENTENCE),
    "recite": "".join(SPEECH),
    "clock": "I look. " + "".join(SENTENCE),
    "paint": "There it is.",
    "continue": "Continued.",
}
PICTURE = re.compile(r"/images/([\w-]+)\)")
KINDS = ("speak", "recite", "clock", "paint", "picture")


@dataclass
class Chatter:
    """One conversation of the load: what was asked for, and what of the answers was seen."""

    id: str
    seed: int
    asked: list[str] = field(default_factory=list)
    heard: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    deleted: bool = False

    async def talk(self, client: httpx2.AsyncClient) -> None:
        """Ask one thing after another until the server is gone."""
        chance = random.Random(self.seed)
        while not self.deleted:
            kind = chance.choice(KINDS)
            message = f"{kind} {self.id} {len(self.asked)}"
            if len(self.asked) > 2 and chance.random() < 0.15:
                self.deleted = True
                await client.delete(f"/conversations/{self.id}")
                return
            await self._ask(client, kind, message, leave=chance.random() < 0.2)

    async def _ask(self, client: httpx2.AsyncClient, kind: str, message: str, *, leave: bool) -> None:
        body: dict[str, Any] = {"id": self.id, "message": message, "mode": "image" if kind == "picture" else "chat"}
        clock = asyncio.get_running_loop().time
        async with client.stream("POST", "/chat", json=body) as response:
            if response.status_code == 409:
                return
            assert response.status_code == 200, await response.aread()
            # The headers come once the message is stored.
            self.asked.append(message)
            heard = self.heard.setdefault(message, [])
            rest = b""
            async for chunk in response.aiter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                for raw in whole:
                    code, value = line(raw)
                    if code == "0":
                        heard.append((clock(), value))
                    elif code == "d":
                        self.ended.add(message)
                if leave and len(heard) > 5:
                    return

    def check(self, read: Any, killed_at: float) -> None:
        """AssertionError unless what is stored is valid and all that had been said a second before the kill."""
        check_conversation(read, whole_answer)
        questions = [message["content"] for message in read["messages"][::2]]
        assert questions[: len(self.asked)] == self.asked, f"asked {self.asked}, stored {questions}"
        assert len(questions) <= len(self.asked) + 1
        for question, answer in zip(questions, read["messages"][1::2], strict=True):
            # What may be lost is the last second.
            surely = "".join(text for at, text in self.heard.get(question, ()) if at < killed_at - 1.0)
            said = answer["content"]
            if "![Generated Image]" not in surely + said:
                assert said.startswith(surely), f"{question!r}: {surely!r} was heard, {said!r} is stored"
            if question in self.ended:
                heard = "".join(text for _, text in self.heard[question])
                assert heard == said, f"{question!r} had ended with {heard!r}, stored is {said!r}"


def whole_answer(question: str) -> str | None:
    """The script's answer; None for one that holds an image's link."""
    kind = question.split(" ")[0]
    return None if kind in ("picture", "paint") else ANSWERS[kind]


def check_nothing_left(server: Server) -> None:
    """AssertionError where a crash has left something behind. The server must be idle."""
    data = server.data_dir
    assert rows(data, "SELECT conversation_id FROM turns WHERE over_at IS NULL") == []
    assert rows(data, "SELECT id FROM conversations WHERE deleted_at IS NOT NULL") == []
    assert len(list(files(data / "alive"))) == 1
    assert list(files(data / "turns")) == []
    stored = {token for (token,) in rows(data, "SELECT token FROM pictures")}
    odd = set(files(data / "pictures")) ^ stored
    assert odd == set(), f"image files without a row, or rows without a file: {len(odd)} of {len(stored)} rows, {odd}"
    assert rows(data, "SELECT count(*) FROM pictures WHERE maker IS NOT NULL") == [(0,)]
    living = "SELECT id FROM conversations"
    for table in ("pictures", "said"):
        assert rows(data, f"SELECT count(*) FROM {table} WHERE conversation_id NOT IN ({living})") == [(0,)], table


def images_of(read: Any) -> set[str]:
    """The tokens of the images that a conversation's messages show."""
    return {token for message in read["messages"] for token in PICTURE.findall(message["content"])}


def leftovers(folder: Path) -> list[str]:
    """Files that are not finished."""
    return [str(path) for path in folder.rglob("*.part")]
