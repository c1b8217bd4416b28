"""What a recorded answer says, in the keys of a script: for people to read, and to edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ...data_parts import DATA_PARTS
from ..played_calls import PLAYED_CALLS
from ..script.raw import Raw

REASONING = ("reasoning_content", "reasoning", "thinking")


def chat_words(raw: Raw) -> dict[str, Any]:
    """An answer in chat, of either wire."""
    if fault := error_words(raw):
        return fault
    said = _Said(raw)
    item: dict[str, Any] = {}
    if said.reasoning:
        item["reasoning"] = said.reasoning
    if said.text or not said.calls:
        item["text"] = said.text
    if said.citations and said.text:
        item["citations"] = said.citations
    if said.data_parts:
        item["data_parts"] = said.data_parts
    if said.calls:
        played = said.played + [None] * len(said.calls)
        item["tool_calls"] = [
            _call(call) | _played(what) for call, what in zip(said.calls.values(), played, strict=False)
        ]
    if said.finish in ("length", "content_filter"):
        item["finish"] = said.finish
    if said.usage:
        item["usage"] = said.usage
    if said.has_failed:
        item["fault"] = {"kind": "error_event", "after": said.deltas}
    elif raw.ending == "cut":
        item["fault"] = {"kind": "cut", "after": said.deltas}
    elif raw.ending == "end" and not said.finish:
        item["fault"] = {"kind": "end", "after": said.deltas}
    elif said.is_malformed:
        item["fault"] = {"kind": "malformed"}
    return item


def image_words(raw: Raw) -> dict[str, Any]:
    """An answer with an image, without that."""
    if fault := error_words(raw):
        return fault
    first = _first_image(raw)
    revised = first.get("revised_prompt")
    return {"revised_prompt": revised} if isinstance(revised, str) else {}


def image_url(raw: Raw) -> str | None:
    """The URL of the image."""
    found = _first_image(raw).get("url")
    return found if isinstance(found, str) else None


def error_words(raw: Raw) -> dict[str, Any]:
    """The fault that takes the place of an answer; nothing where there is one."""
    if raw.is_stream and raw.status < 400:
        return {}
    document = _json(raw.body)
    error = document.get("error") if isinstance(document, dict) else None
    if raw.status < 400:
        if document is None and raw.ending == "end" and raw.body:
            return {"fault": {"kind": "html"}}
        return {"fault": {"kind": "error_200"}} if error else {}
    code = error.get("code") if isinstance(error, dict) else None
    if raw.status == 400 and code == "content_filter" and raw.wire != "images/generations":
        return {"fault": {"kind": "prompt_filter"}}
    fault: dict[str, Any] = {"kind": "status", "status": raw.status}
    for name, key in (("retry-after", "retry_after"), ("retry-after-ms", "retry_after_ms")):
        if value := raw.headers.get(name):
            fault[key] = _json(value.encode()) if value.replace(".", "", 1).isdigit() else value
    if document is None:
        fault["body"] = "html" if raw.body else "empty"
    elif isinstance(error, dict):
        fault |= {key: error[key] for key in ("code", "message") if isinstance(error.get(key), str)}
    return {"fault": fault}


class _Said:
    """What a stream, or a whole answer, has said."""

    def __init__(self, raw: Raw) -> None:
        # Joined at the end: a long answer would be copied at each delta.
        self._words: list[str] = []
        self._thinking: list[str] = []
        self.citations: list[dict[str, str]] = []
        self.data_parts: list[dict[str, Any]] = []
        self.calls: dict[str, dict[str, str]] = {}
        self.played: list[dict[str, Any] | None] = []
        self.finish: str | None = None
        self.usage: dict[str, int] | None = None
        self.deltas = 0
        self.has_failed = self.is_malformed = False
        for event in events(raw):
            if event is None:
                self.is_malformed = True
            elif isinstance(event, dict):
                # Of the emulator's own, where that is recorded.
                self.data_parts += _list(event.get(DATA_PARTS))
                self.played += _list(event.get(PLAYED_CALLS))
                if raw.wire == "responses":
                    self._take_response(event)
                else:
                    self._take_chunk(event)
        self.text, self.reasoning = "".join(self._words), "".join(self._thinking)

    def _take_chunk(self, chunk: dict[str, Any]) -> None:
        self.has_failed |= bool(chunk.get("error"))
        self._take_usage(chunk.get("usage"), "prompt_tokens", "completion_tokens")
        for choice in map(_mapping, _list(chunk.get("choices"))):
            if choice.get("index", 0) != 0:
                continue
            delta = _mapping(choice.get("delta") or choice.get("message"))
            thinking, words = _texts(delta.get("content"))
            thinking += next((str(delta[name]) for name in REASONING if delta.get(name)), "")
            self._thinking.append(thinking)
            self._words.append(words)
            self._take_citations(_list(delta.get("annotations")))
            calls = [call for call in _list(delta.get("tool_calls")) if isinstance(call, dict)]
            for number, call in enumerate(calls):
                function = _mapping(call.get("function") or call.get("custom"))
                self._take_call(call.get("index", number), call.get("id"), function)
            self.deltas += bool(thinking or words or calls)
            self.finish = choice.get("finish_reason") or self.finish

    def _take_citations(self, annotations: list[Any]) -> None:
        for annotation in map(_mapping, annotations):
            cited = _mapping(annotation.get("url_citation", annotation))
            if annotation.get("type") == "url_citation" and isinstance(cited.get("url"), str):
                self.citations.append({"url": cited["url"], "title": str(cited.get("title") or "")})

    def _take_call(self, key: object, call_id: object, function: Mapping[str, Any]) -> None:
        call = self.calls.setdefault(str(key), {"id": "", "name": "", "arguments": ""})
        call["id"] = str(call_id or call["id"])
        call["name"] = str(function.get("name") or call["name"])
        arguments = function.get("arguments") or function.get("input") or ""
        call["arguments"] += arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()

    def _take_response(self, event: dict[str, Any]) -> None:
        kind = str(event.get("type", ""))
        if kind == "response.output_text.delta":
            self._words.append(str(event.get("delta", "")))
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            self._thinking.append(str(event.get("delta", "")))
        elif kind == "response.output_text.annotation.added":
            self._take_citations([event.get("annotation")])
        elif kind == "response.output_item.done" and isinstance(item := event.get("item"), dict):
            if str(item.get("type")) in ("function_call", "custom_tool_call"):
                self._take_call(item.get("call_id"), item.get("call_id"), item)
        elif kind in ("response.completed", "response.incomplete"):
            response = _mapping(event.get("response"))
            reason = str(_mapping(response.get("incomplete_details")).get("reason"))
            self.finish = {"max_output_tokens": "length", "content_filter": "content_filter"}.get(reason, "stop")
            self._take_usage(response.get("usage"), "input_tokens", "output_tokens")
        self.has_failed |= kind in ("error", "response.failed")
        self.deltas += kind.endswith(".delta")

    def _take_usage(self, usage: object, prompt: str, completion: str) -> None:
        if isinstance(usage, dict) and all(type(usage.get(name)) is int for name in (prompt, completion)):
            self.usage = {"prompt_tokens": usage[prompt], "completion_tokens": usage[completion]}


def _call(call: dict[str, str]) -> dict[str, Any]:
    arguments = _json(call["arguments"].encode())
    return {**call, "arguments": arguments if isinstance(arguments, dict) else call["arguments"]}


def _played(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a script says of a call, in its keys."""
    if said is None:
        return {}
    return {"client": True} if said["client"] else {"approval": said["approval"], "result": said["result"]}


def _texts(content: object) -> tuple[str, str]:
    """The thinking and the words of a delta; Mistral sends a list of parts."""
    if isinstance(content, str):
        return "", content
    thinking = words = ""
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and isinstance(inner := part.get("thinking"), list):
            thinking += "".join(str(one.get("text", "")) for one in inner if isinstance(one, dict))
        elif isinstance(part, dict):
            words += str(part.get("text", ""))
    return thinking, words


def events(raw: Raw) -> Iterator[Any]:
    """The documents of a stream, None for each that is no JSON; or the one document."""
    if not raw.is_stream:
        yield _json(raw.body)
        return
    for line in raw.body.replace(b"\r\n", b"\n").split(b"\n"):
        data = line.removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data and data != b"[DONE]":
            yield _json(data)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _first_image(raw: Raw) -> dict[str, Any]:
    document = _json(raw.body)
    data = document.get("data") if isinstance(document, dict) else None
    return data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
