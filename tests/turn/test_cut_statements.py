"""The connection to PostgreSQL, cut in each statement of a turn in turn: nobody notices, and all is stored once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.harness.answers import chat
from tests.harness.postgres import postgres
from tests.harness.postgres_proxy import Moment, Proxy
from tests.harness.waiting import until
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import stored
from tests.turn.valid import check_conversation

pytestmark = pytest.mark.slow
# What each turn is: a tool and an image, then the first message of the conversation once more.
SAID = "paint a fox"
# More than any of these turns has statements.
MOST = 80


@dataclass(frozen=True)
class Cut:
    """A service behind the proxy, and one that sees what has been stored."""

    proxy: Proxy
    one: httpx2.AsyncClient
    other: httpx2.AsyncClient
    schema: str


@pytest.fixture
async def cut(new_world: NewWorld) -> AsyncIterator[Cut]:
    schema = postgres().new_schema()
    with Proxy() as proxy:
        first = new_world({"DATABASE_URL": proxy.url(schema)})
        second = new_world({"DATABASE_URL": postgres().url(schema)})
        async with first.server.client() as one, second.server.client() as other:
            yield Cut(proxy, one, other, schema)
        assert "Traceback" not in first.server.log + second.server.log
        first.server.stop()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_turn_loses_nothing_wherever_its_connection_is_cut(cut: Cut, moment: Moment) -> None:
    asked: dict[str, list[str]] = {}
    for number in range(1, MOST):
        # Several turns in a conversation, which begins anew now and then.
        home = f"c{number // 8}"
        message = {"id": f"m{number}", "role": "user", "content": f"{SAID} {number}"}
        with cut.proxy.cutting(number, moment):
            answer = await chat(cut.one, {"id": home, "messages": [message]})
            count = len(cut.proxy.statements)
        assert (answer.status, answer.errors) == (200, []), number
        assert answer.codes.lstrip("f2")[-1] == "d"
        assert answer.text.endswith("Here it is.")
        asked.setdefault(home, []).append(message["content"])
        read = await stored(cut.other, home)
        assert [one["content"] for one in read["messages"] if one["role"] == "user"] == asked[home], number
        check_conversation(read)
        if count < number:
            break
    else:
        pytest.fail("a turn has more statements than that")
    # A cut that comes after the last statement has met none.
    assert number > 10
    edited = {"id": "m1", "role": "user", "content": "edited"}
    for number in range(1, MOST):
        with cut.proxy.cutting(number, moment):
            answer = await chat(cut.one, {"id": "c0", "messages": [edited]})
            count = len(cut.proxy.statements)
        assert (answer.status, answer.text, answer.errors) == (200, "You said: edited", []), number
        read = await stored(cut.other, "c0")
        assert [one["content"] for one in read["messages"]] == ["edited", "You said: edited"], number
        if count < number:
            break

    async def nothing_is_left() -> bool:
        with postgres().connect() as connection:
            connection.execute(f"SET search_path = {cut.schema}")
            tables = ("turns", "turn_logs", "images WHERE maker IS NOT NULL")
            return all(connection.execute(f"SELECT 1 FROM {table}").fetchall() == [] for table in tables)

    await until(nothing_is_left)
