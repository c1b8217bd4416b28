"""Clients for the verdict, as their calls: for each code some that do it, and correct ones that come close."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mock import verdict_waiting as waiting
from tests.mock.verdict_calls import (
    BUSY,
    LOGIN,
    MORE,
    UI,
    Entry,
    assistant,
    call,
    left_open,
    of_items,
    of_model,
    of_user,
    result,
    said,
    with_call,
    with_parts,
)

GUILTY: dict[str, Sequence[Sequence[Entry]]] = {
    "retry_after_ignored": [
        [said("hi", **BUSY), said("hi", at=0.6)],
        [said("hi", **{**BUSY, "status": 503}), said("hi", at=0.6)],
        [said("hi", took=2, **BUSY), said("hi", at=2.5)],
        [said("hi", **BUSY), said("else", at=0.6)],
        [said("hi", id="one", **BUSY), said("hi", id="two", at=0.6)],
        [call("conversations", **BUSY), call("conversations", 0.5)],
        [of_model(body={"messages": []}, **BUSY), of_model(0.6, body={"messages": []})],
        [of_items(**BUSY), of_items(at=0.6)],
    ],
    "retried_refusal": [
        *([said("hi", status=status), said("hi", at=3)] for status in (400, 403, 404, 422)),
        [call("conversations", status=401, headers=LOGIN), call("conversations", 3, status=401, headers=LOGIN)],
        [of_model(body={"messages": []}, status=400), of_model(3, body={"messages": []})],
        # Between them nothing is changed.
        [call("conversations", status=404), call("files", 1), call("conversations", 2)],
        [call("conversations", status=404), said("hi", at=1, status=500), call("conversations", 2)],
    ],
    "double_send": [
        [said("hi"), said("hi", at=0.2)],
        [said("hi", id="one"), said("hi", id="two", at=1.9)],
        [said("hi", id=None, took=None, status=None, state="running"), said("hi", id=None, at=0.01)],
        [said("hi", "Hello.", "more"), said("hi", "Hello.", "more", "Sure.", "more", at=1)],
        [said("hi", took=5, state="error"), said("hi", at=0.2)],
        [said("hi"), call("stop", 0.1, headers={"userid": "ben"}), said("hi", at=0.2)],
        [with_parts(id="m-1"), with_parts(id="m-2", at=0.5)],
        [with_parts(), with_parts(at=0.5, to="other")],
    ],
    "id_lost": [
        [said("hi"), said("hi", "Hello.", "more", id="other", at=5)],
        [said("hi", id=None, conversation="c-1"), said("hi", "Hello.", "more", id=None, conversation="c-2", at=5)],
        [said("hi", id=None, conversation="c-1"), said("hi", "Hello.", "more", id="c-2", at=5)],
        [
            *(said("hi"), said("hey", id="other", at=1, headers={"userid": "ben"})),
            said("hi", "Hello.", "more", id="other", at=5),
        ],
    ],
    "never_rejoined": [
        [
            said("hi", more={"resumable": True}, state="client_gone", turn="t"),
            of_model(took=9, turn="t"),
            call("conversations", 2),
        ],
    ],
    "poisoned_history": [
        [assistant(tool_calls=[{"id": "c", "function": {"name": "f"}}])],
        [assistant(parts=[{"type": "tool-f", "state": "input-available", "toolCallId": "c"}])],
        [assistant(parts=[{"type": "dynamic-tool", "state": "input-streaming"}])],
        [assistant(parts=[{"type": "tool-invocation", "toolInvocation": {"state": "call"}}])],
        [assistant(content="", toolInvocations=[{"state": "partial-call"}])],
        [assistant(content=[{"type": "tool-call", "toolName": "f"}])],
        [assistant(content=[{"type": "image_url", "image_url": {"url": "data:"}}])],
        [assistant(content=[{"type": "input_image", "image_url": "data:"}])],
        [assistant(parts=[{"type": "image", "image": "data:"}])],
        [assistant(parts=[{"type": "file", "mediaType": "image/png", "url": "data:"}])],
        [left_open("approval"), with_call("approval-requested", MORE, ids=["x"])],
        [left_open("approval", headers={"userid": "ben"}), with_call("approval-requested", MORE)],
        *([of_items({"type": f"{kind}_call", "call_id": "c", "name": "f"})] for kind in ("function", "custom_tool")),
        [of_items({"role": "assistant", "content": [{"type": "input_image", "image_url": "data:"}]})],
    ],
    "cut_taken_as_whole": [
        [said("hi", state="cut"), said("hi", "Hel", "more", at=5)],
        [said("hi", state="cut"), call("conversations", 3, status=500), said("hi", "Hel", "more", at=5)],
        [said("hi", state="cut"), call(at=5, body={"id": "trip", "messages": [
            {"role": "user", "parts": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "parts": [{"type": "text", "text": "Hel", "state": "done"}]},
            {"role": "user", "parts": [{"type": "text", "text": "more"}]},
        ]})],
    ],
    "sent_while_running": [
        [said("hi"), said("more", at=0.05, status=409)],
        [said("hi"), said("more", at=0.05, status=409), said("more", at=3, status=409)],
    ],
    "busy_storm": [[said(f"{n}", id=f"{n}", at=n * 0.9, status=status) for n in range(11)] for status in (429, 503)],
    "never_released": [
        [said("hi", turn="t", state="held"), of_model(turn="t", state="held")],
        [of_model(state="held")],
    ],
    "login_in_the_browser": [
        [call("conversations", headers={**LOGIN, "origin": "http://localhost:3000", "host": "127.0.0.1:8000"})],
    ],
    **waiting.GUILTY,
}  # fmt: skip
INNOCENT: dict[str, Sequence[Sequence[Entry]]] = {
    "retry_after_ignored": [
        [said("hi", **BUSY), said("hi", at=1.1)],
        [of_items(**BUSY), of_items({"role": "user", "content": "else"}, at=0.5)],
        # A timer may run a little ahead.
        [said("hi", **BUSY), said("hi", at=1.09)],
        [call("conversations", **BUSY), call("files", 0.5)],
        [of_user("ada", **BUSY), of_user("ben", at=0.5)],
        [said("hi", **BUSY), said("else", id="other", at=0.5)],
        [said("hi", **BUSY), said("hi", at=0.5, headers={"userid": "ben"})],
        [said("hi", status=429), said("hi", at=0.2)],
        # The service's own calls of the model are not the front end's.
        [said("hi", turn="t"), of_model(0.1, turn="t", **BUSY), of_model(0.2, turn="t")],
    ],
    "retried_refusal": [
        [said("hi", status=500), said("hi", at=3)],
        [said("hi", status=422), said("hello", at=3)],
        [call("conversations", status=401), call("conversations", 1, headers=LOGIN)],
        [call("conversations", status=401, headers=LOGIN), call("conversations", 1, headers=LOGIN)],
        [call("conversations", status=403), call("conversations", 1, status=403, headers=LOGIN)],
        # An upload, whose body is not kept.
        [call("chat", status=422), call("chat", 3, status=422)],
        [call("conversations", status=404), said("hi", at=1), call("conversations", 2)],
        [call("conversations", status=404), call("conversations", 1, headers={"userid": "ben"})],
        [said("hi", turn="t"), of_model(turn="t", status=400), of_model(0.1, turn="t")],
    ],
    "double_send": [
        [said("hi"), said("hi", at=2.1)],
        [said("hi"), said("hi", at=0.5, headers={"userid": "ben"})],
        [said("hi", state="error"), said("hi", at=0.5)],
        [said("hi", state="cut"), said("hi", at=0.5)],
        [said("hi", state="stopped"), said("hi", at=0.5)],
        [with_parts(), with_parts(at=0.5)],
        [said("hi", state="client_gone"), said("hi", at=0.5)],
        [said("hi", status=429), said("hi", at=0.5)],
        [said("hi", took=0.4), call("stop", 0.3), said("hi", at=0.5)],
        [said("hi", more=UI), said("hi", at=0.5, more={"trigger": "regenerate-message"})],
        [said("hi", "Hello.", "more"), said("hi", "Hello.", "more", at=0.5)],
        # assistant-ui regenerates the first answer.
        [said("hi", more={"parentId": None}), said("hi", at=0.5, more={"parentId": None})],
        [said("hi"), said("hi", at=0.05, status=422)],
        [said("hi"), said("hi", at=0.05, status=429), said("hi", at=0.5)],
        # A program that calls the emulator itself.
        [of_model(at, body={"messages": [{"role": "user", "content": "hi"}]}) for at in (0, 0.5)],
    ],
    "id_lost": [
        [said("hi"), said("hi", "Hello.", "more", at=5)],
        [said("hi", id=None, conversation="c-1"), said("hi", "Hello.", "more", id="c-1", at=5)],
        # Nobody knows what its conversation was called.
        [said("hi", id=None), said("hi", "Hello.", "more", id="c-1", at=5)],
        [said("hi"), said("hi", id="other", at=5), said("hi", "Hello.", "more", id="other", at=9)],
        [said("hi"), said("hi", "Hello.", "more", id="other", at=5, headers={"userid": "ben"})],
        [said("hi"), said("hi", "Hello.", "more", id="other", at=5, status=422)],
        # Nothing is asked, and nothing was answered.
        [said("hi"), said("hi", "Hello.", id="other", at=5)],
        [said("hi"), call(at=5, body={"id": "other", "messages": [
            {"role": "user", "content": "hi"}, {"role": "user", "content": "more"},
        ]})],
        # A history that comes from elsewhere.
        [said("hi"), said("hey", "Hello.", "more", id="other", at=5)],
    ],
    "never_rejoined": [
        [
            said("hi", more={"resumable": True}, state="client_gone", turn="t"),
            of_model(took=9, turn="t"),
            *(call("conversations", 2), call("join", 3)),
        ],
        [
            said("hi", more={"resumable": True}, state="client_gone", turn="t"),
            *(of_model(took=1, turn="t"), of_model(took=9, turn="u")),
            call("conversations", 2),
        ],
        [
            said("hi", more={"resumable": True}, state="stopped", turn="t"),
            *(of_model(took=9, turn="t"), call("conversations", 2)),
        ],
        [
            said("hi", more={"resumable": True}, took=1, state="client_gone", turn="t"),
            *(of_model(took=9, turn="t"), call("conversations", 0.5)),
        ],
        # It may be joined yet.
        [
            said("hi", more={"resumable": True}, state="client_gone", turn="t"),
            *(of_model(took=9, turn="t"), call("conversations", 2), of_model(9, took=None, state="running", turn="t")),
        ],
        *(
            [
                said("hi", more={"resumable": True}, state="client_gone", turn="t"),
                *(of_model(took=9, turn="t"), call("conversations", 2, **other)),
            ]
            for other in ({"path": "/conversations/other"}, {"headers": {"userid": "ben"}}, {"method": "PATCH"})
        ),
        [said("hi", state="client_gone", turn="t"), of_model(turn="t", took=9), call("conversations", 2)],
        [said("hi", more={"resumable": True}, state="client_gone", turn="t"), of_model(took=9, turn="t")],
    ],
    "poisoned_history": [
        [assistant(content="Hello.")],
        # A call that is stored as open, which goes on, or which a new message closes; and that stays so at the client.
        *(
            [left_open("approval"), with_call(state, *more)]
            for state in ("input-available", "approval-requested", "approval-responded")
            for more in ([], [MORE])
        ),
        [
            left_open("approval"),
            with_call("approval-requested", MORE),
            with_call("approval-requested", MORE, MORE, at=9),
        ],
        [left_open("approval"), call(at=5, body={"id": "trip", "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c", "toolName": "f"}]},
        ]})],
        *(
            [assistant(parts=[{"type": "tool-f", "state": f"output-{how}", "output": None}])]
            for how in ("available", "error", "denied")
        ),
        [assistant(parts=[{"type": "file", "mediaType": "text/plain", "url": "data:"}])],
        [assistant(parts=[{"type": "tool-invocation", "toolInvocation": {"state": "result", "result": None}}])],
        # assistant-ui, whose answer goes on behind the result.
        [call(body={"id": "trip", "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c", "toolName": "f"}]},
            result("c"), {"role": "assistant", "content": "Hello."}, MORE,
        ]})],
        [assistant(content=[{"type": "tool-call", "toolName": "f", "result": 3}])],
        [assistant(content=[{"type": "tool-call", "toolName": "f", "output": 3}])],
        [call(body={"messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "3"},
        ]})],
        [of_items(
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "3"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Three."}]},
        )],
    ],
    "cut_taken_as_whole": [
        [said("hi", state="cut"), said("hi", at=5)],
        [said("hi", state="cut"), call("join", 3), said("hi", "Hello.", "more", at=5)],
        # An edit of the message whose answer was cut.
        [said("hi", "Hello.", "more", state="cut"), said("hi", "Hello.", "much more", at=5)],
        [said("hey", id="other"), said("hi", state="cut", at=3), said("hey", "Hello.", "more", id="other", at=5)],
        *(
            [said("hi", state="cut"), call(at=5, body={"id": "trip", "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "Hel", **mark},
                {"role": "user", "content": "more"},
            ]})]
            for mark in (
                *({"status": {"type": "incomplete"}}, {"metadata": {"how": "aborted"}}),
                {"metadata": {"incomplete": True}},
            )
        ),
        [said("hi", state="cut"), call("conversations", 3), said("hi", "Hello.", "more", at=5)],
        [said("hi", state="cut"), said("hi", "Hel", "more", at=5, headers={"userid": "ben"})],
        [said("hi", state="done"), said("hi", "Hello.", "more", at=5)],
        [said("hi", state="cut"), call(at=5, body={"id": "trip", "messages": [
            {"role": "user", "parts": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "parts": [{"type": "text", "text": "Hel", "state": "streaming"}]},
            {"role": "user", "parts": [{"type": "text", "text": "more"}]},
        ]})],
    ],
    "sent_while_running": [[said("hi"), said("more", at=0.2)]],
    "busy_storm": [
        [said(f"{n}", id=f"{n}", at=n * 0.9, status=503) for n in range(10)],
        [said(f"{n}", id=f"{n}", at=n * 1.1, status=503) for n in range(11)],
        [said(f"{n}", id=f"{n}", at=n * 0.5, headers={"userid": f"{n % 2}"}, status=503) for n in range(16)],
    ],
    "never_released": [[said("hi", took=3)], [said("hi", took=None, state="held"), of_model(took=None, state="held")]],
    "login_in_the_browser": [
        [call("conversations", headers={**LOGIN, "origin": "http://127.0.0.1:8000", "host": "127.0.0.1:8000"})],
        [call("conversations", headers={"origin": "http://localhost:3000", "host": "127.0.0.1:8000"})],
        [call("conversations", headers=LOGIN)],
        # A proxy of the page's own site, which passes on what the browser said.
        [call("conversations", headers={**LOGIN, "origin": "http://localhost:3000", "sec-fetch-site": "same-origin"})],
    ],
    **waiting.INNOCENT,
}  # fmt: skip
