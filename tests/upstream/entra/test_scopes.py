"""A token is good for its own scope alone, whatever is refused while it is on its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
from azure.core.credentials import AccessTokenInfo

from mockbackend.upstream import entra

FIRST, SECOND = entra.OPENAI_SCOPES


class Credential:
    """Gives a token of each scope once the test lets it; a token names its scope."""

    asked: list[str]
    waits: asyncio.Event
    may_answer: dict[str, asyncio.Event]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def get_token_info(self, scope: str) -> AccessTokenInfo:
        number = len(self.asked)
        self.asked.append(scope)
        if not self.may_answer[scope].is_set():
            self.waits.set()
        await self.may_answer[scope].wait()
        return AccessTokenInfo(f"{scope} {number}", int(time.time() + 3600))


@pytest.fixture
async def tokens(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[entra.AccessTokens]:
    Credential.asked, Credential.waits = [], asyncio.Event()
    Credential.may_answer = {FIRST: asyncio.Event(), SECOND: asyncio.Event()}
    for event in Credential.may_answer.values():
        event.set()
    monkeypatch.setattr("azure.identity.aio.DefaultAzureCredential", Credential)
    opened = entra.AccessTokens("Azure OpenAI", entra.OPENAI_SCOPES)
    yield opened
    await opened.close()


async def test_requests_that_were_refused_together_change_the_scope_once(tokens: entra.AccessTokens) -> None:
    carried = await tokens.get()
    assert carried.startswith(FIRST)
    assert tokens.refuse(carried)
    # Another request with the same token is refused before, and after, there is one of the second scope.
    assert tokens.refuse(carried)
    second = await tokens.get()
    assert tokens.refuse(carried)
    assert await tokens.get() == second
    assert second.startswith(SECOND)


async def test_a_renewal_of_the_scope_before_is_not_used(
    tokens: entra.AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = await tokens.get()
    # The service refuses the token while it is being renewed.
    for event in Credential.may_answer.values():
        event.clear()
    with monkeypatch.context() as renewed:
        renewed.setattr(entra._Token, "is_due", lambda _: True)
        tokens._look()
    async with asyncio.timeout(10):
        await Credential.waits.wait()
        assert tokens.refuse(carried)
        waiting = asyncio.create_task(tokens.get())
        Credential.waits.clear()
        # The renewal gets its token, and is followed by another attempt while somebody else asks.
        Credential.may_answer[FIRST].set()
        await Credential.waits.wait()
        other = asyncio.create_task(tokens.get())
        await asyncio.sleep(0)
        assert not other.done()
        Credential.may_answer[SECOND].set()
        assert (await waiting).startswith(SECOND)
        assert (await other).startswith(SECOND)
    assert Credential.asked[:3] == [FIRST, FIRST, SECOND]


async def test_where_both_scopes_are_refused_the_next_token_is_of_the_first(tokens: entra.AccessTokens) -> None:
    said: list[Any] = []
    for _ in range(2):
        said.append(await tokens.get())
        said.append(tokens.refuse(said[-1]))
    assert said[1::2] == [True, False]
    assert (await tokens.get()).startswith(FIRST)


async def test_an_answer_to_a_token_of_before_accepts_nothing(tokens: entra.AccessTokens) -> None:
    carried = await tokens.get()
    tokens.refuse(carried)
    second = await tokens.get()
    tokens.accept(carried)
    # Nothing is known to be accepted, so the first scope is tried again.
    assert not tokens.refuse(second)
    assert (await tokens.get()).startswith(FIRST)
    tokens.accept(await tokens.get())
    assert not tokens.refuse(await tokens.get())
    assert (await tokens.get()).startswith(FIRST)
