"""Tokens are asked for only while the service runs."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.upstream import entra


class Hanging:
    """A credential that never gets a token."""

    async def __aenter__(self) -> Hanging:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def get_token_info(self, scope: str) -> None:
        await asyncio.Event().wait()


@pytest.mark.slow
async def test_an_attempt_that_is_under_way_at_the_end_is_not_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("azure.identity.aio.DefaultAzureCredential", Hanging)
    tokens = entra.AccessTokens("Azure OpenAI", entra.OPENAI_SCOPES)
    await asyncio.sleep(0)
    await tokens.close()
    assert tokens._timer is None
