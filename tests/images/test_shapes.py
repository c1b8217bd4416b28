"""Responses of an image API in undocumented shapes: used or reported, and never a crash."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.harness.answers import chat
from tests.harness.raw_model import RawUpstream
from tests.harness.service import Server
from tests.images.test_generator import ENV, LIMIT, PICTURE, PNG


def _document(value: Any) -> bytes:
    body = orjson.dumps(value)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


ENCODED = base64.b64encode(PNG + bytes(40)).decode()
SHAPES: dict[str, tuple[Any, str]] = {
    "broken base64": ({"data": [{"b64_json": ENCODED[:-3]}]}, "an invalid response"),
    "base64 of other letters": ({"data": [{"b64_json": "äöü" * 4}]}, "an invalid response"),
    "base64 of no image": ({"data": [{"b64_json": base64.b64encode(b"<svg/>").decode()}]}, "not a PNG"),
    "base64 that is a number": ({"data": [{"b64_json": 7}]}, "an invalid response"),
    "base64 too long": ({"data": [{"b64_json": "A" * (LIMIT * 3 // 2)}]}, "too large"),
    "a URL that is a number": ({"data": [{"url": 7}]}, "an invalid response"),
    "no data": ({"data": []}, "an invalid response"),
    "data that is a text": ({"data": "x"}, "an invalid response"),
    "a list": ([1], "an invalid response"),
    "usage that is a text": ({"data": [{"b64_json": ENCODED}], "usage": "x"}, ""),
    "usage of impossible numbers": (
        {"data": [{"b64_json": ENCODED}], "usage": {"input_tokens": -5, "output_tokens": True}},
        "",
    ),
    "a revised prompt that is a number": ({"data": [{"b64_json": ENCODED, "revised_prompt": 7}]}, ""),
    "an error that is null": ({"data": [{"b64_json": ENCODED}], "error": None}, ""),
}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    replies = {name: (_document(value),) for name, (value, _) in SHAPES.items()}
    with (
        RawUpstream(replies) as upstream,
        Server(tmp_path_factory.mktemp("shapes"), {**upstream.settings, **ENV}) as server,
    ):
        yield server


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", SHAPES)
async def test_a_response_of_an_odd_shape_is_used_or_reported(shapes: Server, name: str) -> None:
    says = SHAPES[name][1]
    async with shapes.client() as client:
        answer = await chat(client, {"message": name, "mode": "image"})
    assert [says in error for error in answer.errors] == [True] * bool(says)
    assert bool(PICTURE.fullmatch(answer.text)) == (not says)
    assert set(answer.values("d")[0]["usage"].values()) == {0}


@pytest.mark.slow
async def test_the_time_limit_of_an_image_is_for_its_whole_response(tmp_path: Path) -> None:
    whole = _document({"data": [{"b64_json": ENCODED}]})
    # Neither the wait for the headers nor that for the body is too long by itself.
    slowly = {"slowly": (1.4, whole[:-10], 1.4, whole[-10:])}
    with (
        RawUpstream(slowly) as upstream,
        Server(tmp_path, {**upstream.settings, "IMAGE_TIMEOUT_SECONDS": "2"}) as server,
    ):
        async with server.client() as client:
            answer = await chat(client, {"message": "slowly", "mode": "image"})
    assert "did not respond in time" in answer.errors[0]
