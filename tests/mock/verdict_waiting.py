"""Clients for the verdict whose turns wait: they leave calls open or answer them wrongly, or come close to that."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mock.verdict_calls import (
    DENIED,
    DONE,
    MORE,
    Entry,
    call,
    left_open,
    result,
    said,
    with_call,
    with_parts,
)

GUILTY: dict[str, Sequence[Sequence[Entry]]] = {
    "result_never_sent": [
        [left_open()],
        [left_open(), call("conversations", 2)],
        [left_open(), with_call("input-available", MORE)],
        [left_open(), said("more", at=5)],
        [left_open("result", "d"), with_call("output-available", MORE)],
        [left_open(), call("stop", 2, path="/conversations/other/stop"), said("more", at=5)],
        [left_open("result", "d"), with_call("output-available", tool_calls=left_open("result")["tool_calls"])],
    ],
    "answered_unknown_call": [
        [left_open(), with_call("output-available", ids=["x"], **DENIED), with_call("output-available", at=8)],
        [left_open("approval"), with_call("approval-responded", ids=["x"], **DENIED)],
        [left_open("approval"), with_call("input-available", result("x"), **DENIED)],
        [left_open("approval"), with_call("output-available", to="other", **DENIED)],
        [left_open("approval"), call(at=5, body={"id": "trip", "message": result("x")}, **DENIED)],
        [said("hi"), call(at=5, body={"id": "trip", "messages": [
            {"role": "assistant", "toolInvocations": [{"toolCallId": "x", "state": "result", "result": 1}]},
        ]}, **DENIED)],
    ],
    "approval_answered_twice": [
        [
            left_open("approval"),
            with_call("approval-responded", **DONE),
            with_call("approval-responded", at=9, **DENIED),
        ],
        [
            left_open("approval"),
            with_call("approval-responded", state="client_gone", took=9, **DONE),
            with_call("approval-responded", at=8, **DENIED),
        ],
    ],
}  # fmt: skip
INNOCENT: dict[str, Sequence[Sequence[Entry]]] = {
    "result_never_sent": [
        [left_open("approval")],
        [left_open(None)],
        [left_open(), with_call("output-available", **DONE)],
        [left_open(), with_call("output-error", **DONE)],
        [left_open(), with_call("input-available", result("c"), **DONE)],
        # With the next message.
        [left_open(), with_call("output-available", MORE)],
        [left_open(), call(at=5, body={"id": "trip", "messages": [result("c"), MORE]})],
        [left_open(), call("stop", 2, path="/conversations/trip/stop"), said("more", at=5)],
        [left_open(), call("conversations", 2, method="DELETE")],
        # It is asked again, or edited.
        [left_open(), said("hi", at=5, more={"trigger": "regenerate-message"})],
        [with_parts(id="u-1") | {"tool_calls": left_open()["tool_calls"]}, with_parts(at=5, id="u-1")],
        [left_open("result", "d"), with_call("output-available", ids=["c", "d"], **DONE)],
    ],
    "answered_unknown_call": [
        # It was refused for something else.
        [left_open(), with_call("output-available", **DENIED), with_call("output-error", at=8)],
        [left_open(None), with_call("output-available", **DENIED)],
        [left_open("approval"), with_call("input-available", result("c", "c#result"), **DENIED)],
        [left_open("approval"), with_call("approval-responded", ids=["x"])],
        # What is closed is read over.
        [left_open("approval"), with_call("output-available", MORE, ids=["x"])],
    ],
    "approval_answered_twice": [
        [left_open("approval"), with_call("approval-responded", **DONE)],
        # The same again, after what followed it had failed.
        *(
            [
                left_open("approval"),
                with_call("approval-responded", state=state, **DONE),
                with_call("approval-responded", at=9, **DENIED),
            ]
            for state in ("error", "cut", "client_gone")
        ),
        [
            left_open("approval", "d"),
            with_call("approval-responded", tool_calls=left_open("approval")["tool_calls"]),
            with_call("approval-responded", at=9, ids=["c", "d"]),
        ],
        [
            left_open("approval"),
            with_call("approval-responded", **DONE),
            with_call("approval-responded", at=9, to="other", ids=[], **DENIED),
        ],
    ],
}  # fmt: skip
