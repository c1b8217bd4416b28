"""Services on one emulator whose rules spend much, and how a limit shows."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.harness.answers import Answer
from tests.harness.emulator import Emulator, emulating
from tests.harness.postgres import postgres
from tests.harness.service import Server

DRAW = {"name": "generate_image", "arguments": {"prompt": "a fox"}}
TIME = {"name": "get_current_time", "arguments": {}}
# A model that does what a sentence in a document tells it to.
OBEDIENT = {"when": "obey", "steps": [{"tool_calls": [DRAW] * 40}] * 6 + [{"text": "That is all."}]}
RULES: list[dict[str, Any]] = [
    OBEDIENT,
    {"when": "draw three", "steps": [{"text": "Look: ", "tool_calls": [DRAW] * 3}, {"text": "There."}]},
    {"when": "draw one by one", "steps": [{"tool_calls": [DRAW]}] * 3 + [{"text": "There."}]},
    {"when": "what time", "steps": [{"text": "Let me see. ", "tool_calls": [TIME]}] * 3 + [{"text": "Late."}]},
    {"kind": "image", "when": "forbidden", "fault": {"kind": "status", "status": 500}},
    {"kind": "image", "when": "slow", "delay": 600},
]
COST = {
    "PRICE_PER_MILLION_INPUT_TOKENS": "2",
    "PRICE_PER_MILLION_OUTPUT_TOKENS": "8",
    "PRICE_PER_IMAGE": "0.25",
}
Environment = dict[str, str]


@pytest.fixture(scope="module", params=["embedded", pytest.param("postgres", marks=pytest.mark.slow)])
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Where any number of services store."""
    if request.param == "postgres":
        return {"DATABASE_URL": postgres().url(postgres().new_schema())}
    return {"DATA_DIR": str(tmp_path_factory.mktemp("stored") / "data")}


@pytest.fixture
def own(request: pytest.FixtureRequest) -> str:
    """A name of the test's own, for its user and its conversations: others store in the same place."""
    return re.sub(r"\W", "-", request.node.name)


@pytest.fixture(scope="session")
def spender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator with RULES for all of these tests."""
    with emulating(tmp_path_factory.mktemp("spender"), RULES) as emulator:
        yield emulator


Settings = frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def services() -> Iterator[dict[Settings, list[Server]]]:
    """The services that run, by their settings."""
    found: dict[Settings, list[Server]] = defaultdict(list)
    yield found
    for server in itertools.chain(*found.values()):
        server.close()


@pytest.fixture
def emulated(
    spender: Emulator, services: dict[Settings, list[Server]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Environment], Server]:
    """`emulated({...})`: a service with these settings, on that emulator; asked again, another that stores with it."""
    taken: Counter[Settings] = Counter()

    def take(env: Environment) -> Server:
        running = services[settings := frozenset(env.items())]
        running[:] = [server for server in running if server.is_running]
        if taken[settings] == len(running):
            folder = tmp_path_factory.mktemp("server")
            data = running[0].data_dir if running else folder / "data"
            env = {**spender.settings(image="gpt-image-1"), "DATA_DIR": str(data), **env}
            running.append(Server(folder, env, data_dir=data).start())
        taken[settings] += 1
        return running[taken[settings] - 1]

    return take


async def usage(client: httpx2.AsyncClient) -> dict[str, Any]:
    response = await client.get("/usage")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def refused(answer: Answer, setting: str) -> None:
    """It was refused before its stream, until midnight."""
    assert answer.status == 429, answer.body
    error = answer.json()["error"]
    assert error["code"] == "daily_limit"
    assert setting in error["message"]
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    assert abs(int(answer.headers["retry-after"]) - (midnight - now).total_seconds()) < 20


def cut(answer: Answer, setting: str) -> None:
    """It was ended within its stream, by one line."""
    assert answer.status == 200
    assert [setting in error for error in answer.errors] == [True]
    assert answer.codes.endswith(("3ed", "3d"))
    assert answer.values("d")[0]["finishReason"] == "error"


def failures(answer: Answer) -> list[str]:
    """What failed tool calls say."""
    return [value["result"]["error"] for value in answer.values("a") if "error" in value["result"]]


def reported(*answers: Answer) -> tuple[int, int]:
    """The tokens that the ends of these answers name."""
    counts = [answer.values("d")[0]["usage"] for answer in answers]
    return sum(one["promptTokens"] for one in counts), sum(one["completionTokens"] for one in counts)
