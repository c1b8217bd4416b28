"""Mistakes of the emulator's own: clients see Azure's shape, the log says why, once."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import openai
import pytest

from mockbackend.emulator import app
from mockbackend.emulator.gateway.reply import Reply
from tests.harness.emulator import HI, Emulator


def _fail(call: object) -> Reply:
    raise LookupError("a mistake of ours")


def _fail_at_once(call: object) -> Reply:
    return Reply(_pieces(0), {"content-type": "text/event-stream"})


def _fail_later(call: object) -> Reply:
    return Reply(_pieces(2), {"content-type": "text/event-stream"})


def _pieces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b'data: {"choices": []}\n\n'
    raise LookupError("a mistake of ours")


@pytest.mark.parametrize("broken", [_fail, _fail_at_once])
async def test_a_mistake_of_its_own_is_a_500_as_azures_and_one_line_in_the_log(
    plain: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: object
) -> None:
    monkeypatch.setattr(app, "handle_chat", broken)
    response = await plain.chat()
    assert response.status_code == 500
    error = response.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("server_error", None, None)
    assert "its log says why" in error["message"]
    assert {"apim-request-id", "x-request-id", "x-ms-region"} <= set(response.headers)
    async with plain.azure() as client:
        with pytest.raises(openai.InternalServerError, match="its log says why"):
            await client.chat.completions.create(model="gpt-4o", messages=HI)  # type: ignore[arg-type]
    assert [call["status"] for call in plain.requests()[-2:]] == [500, 500]
    lines = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert [(one.name, one.exc_info is not None) for one in lines] == [("mockbackend.emulator", True)] * 2
    assert "/chat/completions' failed" in lines[0].getMessage()


async def test_a_stream_that_fails_breaks_off(
    plain: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "handle_chat", _fail_later)
    stream = await plain.stream()
    # What comes before a piece is sent together with it, or not at all.
    assert stream.broken
    assert len(stream.blocks) <= 2
    assert [one.name for one in caplog.records if one.levelno >= logging.ERROR] == ["mockbackend.emulator"]
