"""Embeddings: deterministic, near where words are shared, in both encodings."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import openai
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import Emulator

SMALL = "text-embedding-3-small"


async def embed(served: Emulator, *texts: str, **options: Any) -> list[list[float]]:
    async with served.azure() as client:
        answer = await client.embeddings.create(model=SMALL, input=list(texts), **options)
    return [item.embedding for item in answer.data]


def nearness(one: list[float], two: list[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


async def refused(served: Emulator, deployment: str = SMALL, **body: Any) -> Any:
    response = await served.post("embeddings", deployment, body)
    assert response.status_code == 400, response.text
    return response.json()["error"]


async def test_words_in_common_are_near(plain: Emulator) -> None:
    fox, question, other = await embed(
        plain, "The red fox sleeps in winter.", "where does the RED FOX sleep?", "Invoices are due within a month"
    )
    assert nearness(fox, question) > 0.4
    assert nearness(fox, other) < 0.2


async def test_vectors_have_length_one_and_never_change(plain: Emulator) -> None:
    for text in ("a red fox", "…", "Ünïcode 日本"):
        (one,), (two,) = await embed(plain, text), await embed(plain, text)
        assert one == two
        assert math.isclose(nearness(one, one), 1, rel_tol=1e-5)


async def test_both_encodings_and_the_clients_default_are_the_same_vector(plain: Emulator) -> None:
    default, floats = await embed(plain, "fox"), await embed(plain, "fox", encoding_format="float")
    assert default[0] == pytest.approx(floats[0])
    raw = (await plain.post("embeddings", SMALL, {"input": "fox", "encoding_format": "base64"})).json()
    content = base64.b64decode(raw["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(content) // 4}f", content)) == pytest.approx(floats[0])


async def test_the_document_has_azures_keys(plain: Emulator) -> None:
    answer = (await plain.post("embeddings", SMALL, {"input": ["one two", "three"]})).json()
    assert answer.keys() == {"object", "data", "model", "usage"}
    assert [(item.keys(), item["object"], item["index"]) for item in answer["data"]] == [
        ({"object", "index", "embedding"}, "embedding", 0),
        ({"object", "index", "embedding"}, "embedding", 1),
    ]
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


async def test_dimensions_are_those_of_the_model_or_as_asked(plain: Emulator) -> None:
    assert len((await embed(plain, "x"))[0]) == 1536
    assert len((await embed(plain, "x", dimensions=7))[0]) == 7
    large = (await plain.post("embeddings", "text-embedding-3-large", {"input": "x"})).json()
    assert len(large["data"][0]["embedding"]) == 3072


async def test_token_numbers_stand_for_words(plain: Emulator) -> None:
    answer = (await plain.post("embeddings", SMALL, {"input": [[1, 2], [2, 1], [3]]})).json()
    one, same, other = (item["embedding"] for item in answer["data"])
    assert one == same
    assert nearness(one, other) == 0
    flat = (await plain.post("embeddings", SMALL, {"input": [1, 2]})).json()
    assert [item["embedding"] for item in flat["data"]] == [one]


@pytest.mark.parametrize("given", ["", [], [""], ["x", None], {"a": 1}, [[]]])
async def test_an_input_without_text_is_refused(plain: Emulator, given: Any) -> None:
    assert (await refused(plain, input=given))["message"].startswith("'$.input' is invalid.")


async def test_too_many_inputs_and_too_long_ones_are_refused(plain: Emulator) -> None:
    assert (await refused(plain, input=["x"] * 2049))["param"] == "input"
    assert (await plain.post("embeddings", SMALL, {"input": ["x"] * 2048, "dimensions": 8})).status_code == 200
    error = await refused(plain, input=["x" * 32_769])
    assert error["message"].startswith("This model's maximum context length is 8192 tokens, however you requested 8193")


async def test_wrong_arguments_are_refused(plain: Emulator) -> None:
    assert (await refused(plain))["param"] == "input"
    assert (await refused(plain, input="x", dimensions=0))["param"] == "dimensions"
    assert (await refused(plain, input="x", encoding_format="hex"))["param"] == "encoding_format"
    assert (await refused(plain, input="x", fast=1))["message"] == "Unrecognized request argument supplied: fast"
    ada = await refused(plain, "text-embedding-ada-002", input="x", dimensions=8)
    assert ada["message"] == "This model does not support specifying dimensions."


async def test_a_rule_for_embeddings_can_fail_them(emulate: Emulate) -> None:
    served = emulate("rules: [{kind: embedding, when: fox, times: 1, fault: {kind: status, status: 500}}]")
    assert len(await embed(served, "owl")) == 1
    with pytest.raises(openai.InternalServerError):
        await embed(served, "an owl", "a fox")
    assert len(await embed(served, "a fox")) == 1
