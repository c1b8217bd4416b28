"""Filters: which documents they choose, and which are refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import HttpResponseError
from azure.search.documents.aio import SearchClient
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.emulator.gateway.errors import AzureError
from mockbackend.emulator.search.filter import read_filter
from mockbackend.emulator.search.schema import read_schema
from tests.emulator.search.clients import found, make, post, searching
from tests.harness.emulator import Emulator

DOCUMENTS = (
    {"id": "a", "owner": "u1", "page": 1, "draft": True},
    {"id": "b", "owner": "u1", "page": 2, "draft": False},
    {"id": "c", "owner": "u2", "page": 3},
    {"id": "d", "owner": "o'x", "page": 4},
    {"id": "e"},
)


@pytest.fixture(scope="module")
def filled(plain: Emulator) -> str:
    """The name of an index of these documents, in which a test only searches."""

    async def fill() -> str:
        name = await make(plain)
        response = await post(plain, f"/indexes('{name}')/docs/search.index", {"value": DOCUMENTS})
        assert response.status_code == 200, response.text
        return name

    return asyncio.run(fill())


@pytest.fixture
async def docs(plain: Emulator, filled: str) -> AsyncIterator[SearchClient]:
    async with searching(plain, filled) as client:
        yield client


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        ("owner eq 'u1'", "ab"),
        ("owner eq 'o''x'", "d"),
        ("owner ne 'u1'", "cde"),
        ("owner eq null", "e"),
        ("not (owner eq 'u1') and page gt 2", "cd"),
        ("owner eq 'u1' or owner eq 'u2' and page eq 9", "ab"),
        ("(owner eq 'u1' or owner eq 'u2') and page ge 3", "c"),
        ("search.in(owner, 'u1, u2')", "abc"),
        ("search.in(owner, 'u1|o''x|', '|')", "abd"),
        ("search.in(owner, 'u1 u2', '|')", ""),
        ("search.in(id, 'a;b,c', ';,') and not draft", "bc"),
        ("draft", "a"),
        ("draft eq false", "b"),
        ("page le 2", "ab"),
        ("page lt 1.5", "a"),
        ("page gt -1 and page gt 3", "d"),
        ("id gt 'c'", "de"),
        ("owner eq '日本 ''quoted'' and eq'", ""),
        ("", "abcde"),
    ],
)
async def test_a_filter_chooses_documents(docs: SearchClient, expression: str, keys: str) -> None:
    assert "".join(await found(docs, filter=expression)) == keys


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("owner == 'u1'", "Syntax error at position 6"),
        ("owner eq 'u1", "Syntax error at position 9"),
        ("owner eq", "Syntax error"),
        ("owner eq 'u1' page eq 1", "Syntax error"),
        ("(owner eq 'u1'", "Syntax error"),
        ("search.in(owner)", "Syntax error"),
        ("search.in(owner, 1)", "Syntax error"),
        ("null eq owner", "Syntax error"),
        ("owner", "Syntax error"),
        ("nobody eq 'u1'", "Could not find a property named 'nobody' on type 'search.document'"),
        ("content eq 'x'", "'content' is not a filterable field"),
        ("page eq '1'", "incompatible types"),
        ("owner eq 1", "incompatible types"),
        ("draft eq 'true'", "incompatible types"),
        ("(" * 500 + "draft" + ")" * 500, "recursion limit"),
    ],
)
async def test_a_wrong_filter_is_refused_in_words(docs: SearchClient, expression: str, words: str) -> None:
    with pytest.raises(HttpResponseError, match=re.escape(words)) as caught:
        await found(docs, filter=expression)
    assert caught.value.status_code == 400


SCHEMA = read_schema(
    {"name": "docs", "fields": [{"name": "id", "type": "Edm.String", "key": True}, {"name": "n", "type": "Edm.Int32"}]}
)


@given(
    st.lists(
        st.sampled_from(
            ["id", "n", "eq", "and", "or", "not", "(", ")", ",", "'a'", "''", "1", "search.in", "null", "'"]
        )
    )
)
def test_no_filter_crashes_the_parser(tokens: list[str]) -> None:
    try:
        test = read_filter(" ".join(tokens), SCHEMA)
    except AzureError as error:
        refused: int | None = error.status
    else:
        refused = None
        assert test({"id": "a", "n": 1}) in (True, False)
    assert refused in (None, 400)
