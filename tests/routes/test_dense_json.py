"""Bodies of very many values: read as orjson reads them, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.routes import dense_json
from mockbackend.routes.dense_json import MANY_BYTES, MANY_VALUES, MAX_VALUES, TooManyValues, is_dense, loads
from tests.harness.api import error_of, texts
from tests.harness.service import Server

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NO_JSON = [
    b"",
    b"[",
    b"[1,]",
    b"{'a': 1}",
    b'{"a"}',
    b"[NaN]",
    b"[Infinity]",
    b"[1e999]",
    b"[-1" + b"0" * 400 + b"]",
    b'["\\ud83d"]',
    b'["\xff"]',
    b"1 2",
    b'["\n"]',
]


@given(VALUES)
def test_a_value_is_what_orjson_reads(value: object) -> None:
    assert loads(orjson.dumps(value)) == orjson.loads(orjson.dumps(value))


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_a_number_beyond_64_bits_is_read_as_orjson_reads_it(number: int) -> None:
    body = b"[%d]" % number
    assert repr(loads(body)) == repr(orjson.loads(body))


@pytest.mark.parametrize("body", NO_JSON)
def test_what_orjson_refuses_is_refused(body: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body)
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        loads(body)


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense_json, "MAX_VALUES", 10)
    # The list and the object are values as well.
    assert len(loads(b"[" + b",".join([b"{}"] * 10) + b"]")) == 10
    for body in (b"[" + b",".join([b"{}"] * 11) + b"]", b'{"a":[[[1,2],[3,4]],[[5,6],[7,8]]]}'):
        with pytest.raises(TooManyValues):
            loads(body)


def test_an_ordinary_body_is_not_dense() -> None:
    assert not is_dense(orjson.dumps({"messages": [{"role": "user", "content": "one, two, three"}] * 1000}))
    assert is_dense(b"{}," * MANY_VALUES)
    assert is_dense(b" " * (MANY_BYTES + 1))


# What `few_values_app` makes of the limits.
DENSE, TOO_MANY = MANY_VALUES // 100 + 1, MAX_VALUES // 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), app="tests.routes.few_values_app:app") as running:
        yield running


async def test_a_body_of_too_many_values_is_a_422(client: httpx2.AsyncClient) -> None:
    error = error_of(await client.post("/chat", content=b'{"message":"x","a":[' + b"1," * TOO_MANY + b"1]}"), 422)
    assert error["message"] == f"The body has more than {TOO_MANY} JSON values."


@pytest.mark.parametrize("end", [b"", b"[" * 100_000, b"NaN]}"])
async def test_a_dense_body_that_is_not_json_is_a_400(client: httpx2.AsyncClient, end: bytes) -> None:
    error = error_of(await client.post("/chat", content=b'{"message":"x","a":[' + b"1," * DENSE + end), 400)
    assert error["message"].startswith("The body is not valid JSON: ")


async def test_a_dense_body_begins_a_turn(client: httpx2.AsyncClient) -> None:
    body = b'{"message":"Hello","a":[' + b"1," * DENSE + b"1]}"
    answer = await client.post("/chat", content=body)
    assert answer.status_code == 200
    assert "Hello" in answer.text


async def test_half_a_surrogate_pair_in_a_dense_body_becomes_u_fffd(client: httpx2.AsyncClient) -> None:
    response = await client.post("/chat", content=b'{"a": [' + b"1," * DENSE + rb'1], "message": "\ud83d"}')
    assert response.status_code == 200, response.text
    assert (await texts(client, response.headers["x-conversation-id"]))[0] == ("user", "\ufffd")
