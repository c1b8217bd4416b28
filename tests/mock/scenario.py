"""A scenario of a server, as a test drives it; and what asks both workers of one."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx2

from tests.harness.answers import Answer
from tests.harness.api import say
from tests.harness.http_client import PLAIN
from tests.harness.service import Server

# For each answer by one of two workers.
TWO = {"WEB_CONCURRENCY": "2", "MAX_RUNNING_TURNS_PER_USER": "50"}


def each_alone(server: Server) -> httpx2.AsyncClient:
    """A client that opens a connection for each call, so that both workers get some."""
    return httpx2.AsyncClient(
        base_url=server.url,
        auth=server.auth,
        headers={"connection": "close"},
        timeout=30,
        **PLAIN,
    )


class Scenario:
    """One scenario: `client` is its user, `control` calls the control API. Leaving it deletes it."""

    def __init__(self, server: Server, name: str, userid: str = "ada") -> None:
        self.name = name
        self.path = f"/__mock__/scenarios/{name}"
        self.control = server.client(None)
        self.client = server.client(userid)
        self.client.headers["x-mock-scenario"] = name

    async def put(self, script: Any) -> None:
        """Make it, or replace it."""
        text = {"content": script} if isinstance(script, str) else {"json": script}
        response = await self.control.put(self.path, **text)
        assert response.status_code == 200, response.text

    async def say(self, text: str, conversation_id: str | None = None, **more: Any) -> Answer:
        """One message, answered to its end."""
        return await say(self.client, text, conversation_id, **more)

    async def state(self) -> Any:
        """What GET shows of it."""
        return (await self.control.get(self.path)).json()

    async def journal(self, **query: Any) -> Any:
        """Its calls."""
        response = await self.control.get(f"{self.path}/journal", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    async def next(self, rules: Any) -> httpx2.Response:
        """Put rules in front of all others, each for one call."""
        return await self.control.post(f"{self.path}/next", json=rules)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.control.delete(self.path)
        await self.control.aclose()
        await self.client.aclose()
