"""Every event in a table, and random events: what each framing is tested with.

A framing's test has the expected bytes of each case, by its name; `test_event_cases.py` fails where an event has none.
"""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from mockbackend import events as ev
from mockbackend.events import Event, Usage

KINDS: tuple[type[Any], ...] = get_args(Event)

CASES: dict[str, Event] = {
    "a step starts": ev.StepStarted("msg-1"),
    "text": ev.TextDelta("Grüße"),
    "text with line ends": ev.TextDelta('a\nb\r\u2028"c"\\'),
    "reasoning": ev.ReasoningDelta("Hm."),
    "a call starts": ev.ToolCallStarted("call-1", "get_current_time"),
    "a call's arguments come": ev.ToolCallDelta("call-1", '{"timezone": "UT'),
    "a call is whole": ev.ToolCalled("call-1", "get_current_time", {"timezone": "UTC"}),
    "a call without arguments": ev.ToolCalled("call-2", "get_current_time", {}),
    "a call is left to the client": ev.ResultAwaited("call-1"),
    "a call asks": ev.ApprovalAsked("call-1", "approval-1"),
    "a yes": ev.ApprovalGiven("call-1", approved=True),
    "a no": ev.ApprovalGiven("call-1", approved=False, reason="Not now."),
    "a call returns": ev.ToolReturned("call-1", {"time": "12:30"}),
    "a call returns nothing": ev.ToolReturned("call-1", None),
    "a call fails": ev.ToolReturned("call-1", {"error": "no such zone"}, failed=True),
    "an image": ev.ImageMade("token"),
    "an image with a revised prompt": ev.ImageMade("token", "A red fox"),
    "a source": ev.Source("file-1", "plan.pdf", "application/pdf", "page 3"),
    "a source without a place": ev.Source("file-1", "plan.md", "text/markdown"),
    "a page of the web": ev.Source("", "A page", "text/html", url="https://example.org/a?b=1"),
    "progress": ev.Progress("picture", {"status": "started"}),
    "data is shown": ev.DataShown("chart", "c1", {"points": [1, 2.5, None], "title": "Grüße"}),
    "data is shown that is no object": ev.DataShown("note", 'n"1', "a\nb"),
    "data is shown in passing": ev.DataShown("chart", "c1", [1], transient=True),
    "what the engine wants back": ev.EngineData({"calls": {"call-1": {"extra_content": {"s": "c2ln"}}}}),
    "a step ends for tools": ev.StepEnded("tool-calls", Usage(10, 5)),
    "a step ends with no usage": ev.StepEnded("stop", Usage()),
    "a failure": ev.Failed("The model is busy."),
    "the end": ev.TurnEnded("stop", Usage(10, 5)),
}

# What JSON parsed by orjson can hold.
any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_words = st.text(min_size=1)
_reasons = st.sampled_from(get_args(ev.FinishReason))
_usages = st.builds(Usage, st.integers(0, 2**53), st.integers(0, 2**53))
_objects = st.dictionaries(st.text(), any_json, max_size=3)
# What each event is made of, at random.
PARTS: dict[type[Any], tuple[st.SearchStrategy[Any], ...]] = {
    ev.StepStarted: (st.text(),),
    ev.TextDelta: (_words,),
    ev.ReasoningDelta: (_words,),
    ev.ToolCallStarted: (st.text(), st.text()),
    ev.ToolCallDelta: (st.sampled_from(["call-1", "call-2"]), _words),
    ev.ToolCalled: (st.text(), st.text(), _objects),
    ev.ResultAwaited: (st.text(),),
    ev.ApprovalAsked: (st.text(), st.text()),
    ev.ApprovalGiven: (st.text(), st.booleans(), st.text()),
    ev.ToolReturned: (st.text(), any_json, st.booleans()),
    ev.ImageMade: (st.text(), st.none() | st.text()),
    ev.Source: (st.text(), st.text(), st.text(), st.text(), st.text()),
    ev.Progress: (st.text(), _objects),
    # The same one comes again.
    ev.DataShown: (st.sampled_from(["chart", "note"]), st.sampled_from(["1", "2"]), any_json, st.booleans()),
    ev.EngineData: (_objects,),
    ev.StepEnded: (_reasons, _usages),
    ev.Failed: (st.text(),),
    ev.TurnEnded: (_reasons, _usages),
}
any_event: st.SearchStrategy[Event] = st.one_of([st.builds(kind, *parts) for kind, parts in PARTS.items()])
