"""Values made from a schema: they obey it, and say what the prompt says."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.emulator.chat.schema_values import MAX_CHARACTERS, make_value

KEYS = st.sampled_from(["name", "age", "city", "tags", "kind", "when", "email", "a b", "ü"])
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"type": "string"}),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({}),
    st.builds(lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more}, *(st.integers(0, 50),) * 2),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(-50, 50)),
    st.builds(lambda high: {"type": "number", "exclusiveMaximum": high}, st.integers(-50, 50)),
    st.builds(lambda step, low: {"type": "integer", "multipleOf": step, "minimum": low}, *(st.integers(1, 9),) * 2),
    st.builds(
        lambda few, more: {"type": "string", "minLength": few, "maxLength": few + more}, *(st.integers(0, 20),) * 2
    ),
    st.sampled_from(
        [{"type": "string", "format": one} for one in ("date-time", "date", "time", "uuid", "email", "ipv4")]
    ),
    st.sampled_from([{"type": "string", "pattern": one} for one in (r"^[A-Z]{3}-\d{4}$", "^a+b$", r"^\+\d{2}$")]),
    st.builds(lambda values: {"enum": values}, st.lists(st.one_of(st.text(), st.integers(), st.none()), min_size=1)),
    st.builds(lambda value: {"const": value}, st.one_of(st.text(), st.integers(), st.booleans())),
    st.just({"type": ["string", "null"]}),
)


def _deeper(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.builds(
        lambda properties, some: {
            "type": "object",
            "properties": properties,
            "required": list(properties)[: some or None],
            "additionalProperties": False,
        },
        st.dictionaries(KEYS, inner, max_size=4),
        st.integers(0, 3),
    )
    arrays = st.builds(lambda items, few: {"type": "array", "items": items, "minItems": few}, inner, st.integers(0, 3))
    options = st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner)
    return objects | arrays | options


SCHEMAS = st.recursive(LEAVES, _deeper, max_leaves=12)


@given(SCHEMAS, st.text() | st.sampled_from(["Ada is 36, from Oslo, since 2024-05-06", "x@y.zz -1 0.5 100"]))
def test_any_value_obeys_its_schema(schema: dict[str, Any], prompt: str) -> None:
    value = make_value(schema, prompt)
    errors = [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(value)]
    assert errors == [], value


TREE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["name", "children"],
}
LINKED = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["next"],
        }
    },
}


@pytest.mark.parametrize("schema", [TREE, LINKED])
def test_a_schema_that_contains_itself_comes_to_an_end(schema: dict[str, Any]) -> None:
    value = make_value(schema, "Ada")
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("prompt", "properties", "made"),
    [
        (
            "Ada Lovelace is 36 and lives in London",
            {"name": "string", "age": "integer", "city": "string"},
            {"name": "Ada Lovelace", "age": 36, "city": "London"},
        ),
        ("What is the weather in Oslo?", {"city": "string"}, {"city": "Oslo"}),
        ("Weather in New York for 3 days", {"city": "string", "days": "integer"}, {"city": "New York", "days": 3}),
        ("2.5 or 4?", {"first": "integer", "second": "number"}, {"first": 4, "second": 2.5}),
        ("Create a customer named '你好啊集团', what's his name?", {"name": "string"}, {"name": "你好啊集团"}),
        ("find cats", {"query": "string"}, {"query": "find cats"}),
        ("Write to ada@example.org", {"email": "string"}, {"email": "ada@example.org"}),
        ("this is not good", {"ok": "boolean"}, {"ok": False}),
    ],
)
def test_what_the_prompt_says_is_taken(prompt: str, properties: dict[str, str], made: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}}
    assert make_value(schema, prompt) == made


def test_a_choice_that_is_named_is_chosen() -> None:
    schema = {"type": "object", "properties": {"mood": {"enum": ["sad", "happy"]}}}
    assert make_value(schema, "I am so Happy!") == {"mood": "happy"}


@pytest.mark.parametrize(
    "items", [{"enum": ["a", "b", "c"]}, {"type": "integer", "minimum": 4}, {"type": "string"}, {"type": "boolean"}]
)
def test_items_that_shall_differ_do(items: dict[str, Any]) -> None:
    schema = {"type": "array", "items": items, "minItems": 2, "uniqueItems": True}
    value = make_value(schema, "Two of 7 and 7, please")
    jsonschema_rs.validate(schema, value)


def test_a_pattern_that_tries_for_ever_is_given_up() -> None:
    assert make_value({"type": "string", "pattern": "^(a+)+b$"}, "a" * 40) == "text"


NESTED: dict[str, Any] = {"type": "string"}
for _ in range(6):
    NESTED = {"type": "array", "minItems": 100, "items": NESTED}
ITSELF = {key: {"$ref": "#"} for key in "abcdefghij"}
HUGE: list[dict[str, Any]] = [
    {"type": "string", "minLength": 10**12},
    NESTED,
    {"type": "array", "minItems": 10**9, "maxItems": 10**9, "uniqueItems": True, "items": {"type": "integer"}},
    {"type": "array", "minItems": 10**9, "maxItems": 10**9, "items": {"const": ["x" * 10_000]}},
    {"type": "object", "properties": ITSELF, "required": list(ITSELF)},
    {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
]


@pytest.mark.parametrize("schema", HUGE)
def test_a_schema_that_asks_for_billions_gets_less(schema: dict[str, Any]) -> None:
    assert len(orjson.dumps(make_value(schema, "text"))) < 2 * MAX_CHARACTERS


@pytest.mark.parametrize(
    "more", [{"minimum": 1e300}, {"multipleOf": 5e-324}, {"minimum": 1e300, "multipleOf": 1e-9}, {}]
)
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_a_number_is_one_that_can_be_sent(kind: str, more: dict[str, Any]) -> None:
    value = make_value({"type": kind, **more}, f"Call {'9' * 30} or {'9' * 400}.")
    assert orjson.loads(orjson.dumps(value)) == value
