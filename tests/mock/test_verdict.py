"""The verdict: for each code a client that does it, and correct clients that come close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mockbackend.mock.verdict import judge
from mockbackend.mock.verdict.codes import CODES
from tests.harness.processes import ROOT
from tests.mock.verdict_calls import Entry, assistant, call, of_model, said
from tests.mock.verdict_clients import GUILTY, INNOCENT


def numbered(entries: Sequence[Entry]) -> list[Entry]:
    return [{**entry, "n": number} for number, entry in enumerate(entries, 1)]


def codes(entries: Sequence[Entry]) -> list[str]:
    return sorted({finding.code for finding in judge(numbered(entries)).findings})


@pytest.mark.parametrize(
    ("code", "entries"), [(code, entries) for code, clients in GUILTY.items() for entries in clients]
)
def test_a_client_that_does_it_is_found(code: str, entries: Sequence[Entry]) -> None:
    assert codes(entries) == [code]


def test_a_hold_that_both_sides_show_is_one_finding() -> None:
    found = judge(numbered(GUILTY["never_released"][0])).findings
    assert [finding.calls for finding in found] == [[1]]


def test_findings_are_in_the_order_of_their_calls() -> None:
    poisoned = assistant(tool_calls=[{"id": "c", "function": {"name": "f"}}])
    found = judge(numbered([poisoned, said("hi", at=5), said("hi", at=5.2)])).findings
    assert [finding.calls for finding in found] == [[1], [2, 3]]


@pytest.mark.parametrize("entries", [entries for clients in INNOCENT.values() for entries in clients])
def test_a_correct_client_that_comes_close_is_not(entries: Sequence[Entry]) -> None:
    assert codes(entries) == []


def test_every_code_has_both() -> None:
    of_rules = {"rule_never_served", "unmatched_call"}
    assert set(GUILTY) == set(INNOCENT) == set(CODES) - of_rules


def test_the_page_about_tests_has_every_code() -> None:
    rows = "".join(f"| `{name}` | {code.severity} | {code.meaning} |\n" for name, code in CODES.items())
    assert rows in (ROOT / "docs" / "testing.md").read_text()


def test_a_rule_that_never_served_is_found() -> None:
    report = judge([], [2])
    assert [(finding.code, finding.what) for finding in report.findings] == [
        ("rule_never_served", "Rule 2 has never served.")
    ]
    assert report.ok, "it is a warning"


def test_a_call_that_no_rule_fits_is_found_where_every_call_must_match() -> None:
    refused = of_model(rule=None, status=404)
    # What the engine itself refuses needs no rule, and neither does `/mock help`.
    entries = [
        of_model(),
        refused,
        {**refused, "on": "embedding"},
        of_model(rule=None, status=422),
        of_model(rule=None),
    ]
    assert codes(entries) == []
    report = judge(numbered(entries), must_match=("chat", "image"))
    assert [(finding.code, finding.calls) for finding in report.findings] == [("unmatched_call", [2])]
    assert not report.ok
    report = judge(numbered(entries), must_match=("chat", "image", "embedding"))
    assert [finding.calls for finding in report.findings] == [[2], [3]], "a recording has embeddings too"


@pytest.mark.parametrize(
    "body",
    [
        *(None, "words", 3, [], {}, {"messages": None}, {"messages": [None, "x", {"role": None, "content": 3}]}),
        {"message": {"content": [{"type": "text", "text": None}, None]}, "id": 3},
        {"messages": [{"role": "assistant", "tool_calls": [None, {}], "parts": [{"type": None}, 3]}]},
    ],
)
def test_whatever_a_client_sends_can_be_judged(body: Any) -> None:
    sent = [call(at=n / 10, body=body, status=status, n=n) for n, status in enumerate((200, 429, 400, 409, None))]
    assert judge(sent).findings
