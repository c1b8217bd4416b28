"""What one deployment has refused: remembered for the process's life, and avoided in its later requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import Form, RefusedTool, RequestRefused, UnsupportedForm, UnsupportedParameter

# Never left out, whatever the model says of them.
REQUIRED = {"model", "messages", "stream", "prompt", "input"}
# Of no use without another parameter.
BELONGS_TO = {"tool_choice": "tools"}
# Two names for one thing: reasoning models support only the first, older engines only the second.
OTHER_NAME = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
# What a message cannot do without.
ESSENTIAL = {
    "role",
    "content",
    "tool_calls",
    "tool_call_id",
    "id",
    "type",
    "function",
    "arguments",
    "text",
    "image_url",
}


CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class MixedTools(list[dict[str, Any]]):
    """The tools of a request, some of which its client has declared."""


@dataclass(slots=True)
class Learned:
    """What one model does not take: parameters, fields of messages, and forms.

    `context_tokens` is how much it can read, `input_characters` how much of each text that is embedded, `most_answered`
    how long its answers may be, `uncounted_tokens` what it has counted beyond our estimate (templates, tools).
    """

    context_tokens: int | None = None
    input_characters: int | None = None
    most_answered: int | None = None
    uncounted_tokens: int = 0
    parameters: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    forms: set[Form] = field(default_factory=set)

    def add(self, refusal: RequestRefused, request: dict[str, Any]) -> str | None:
        """What is avoided from now on, in words; None if the request cannot do without it, or did already."""
        if isinstance(refusal, UnsupportedForm):
            form = _meant(refusal.form, request.get("messages"))
            if form in self.forms:
                return None
            self.forms.add(form)
            return form
        if isinstance(refusal, RefusedTool):
            return None
        of_value = not isinstance(refusal, UnsupportedParameter) or refusal.of_value
        if of_value and "messages" not in request:
            # The values of an image are a user's.
            return None
        for name in _steps(refusal.named):
            if name not in request:
                # What was not sent was meant with what it belongs to.
                name = BELONGS_TO.get(name, name)
            if name == "tools" and isinstance(request.get(name), MixedTools):
                # The refusal may be of those: it says nothing of the model.
                return None
            if name in request and name not in REQUIRED:
                self.parameters.add(name)
                return name
            if name not in ESSENTIAL | self.fields and _has_field(request.get("messages"), name):
                self.fields.add(name)
                return name
        return None

    def without(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body without unsupported parameters; one that has another name is sent under that."""
        if not self.parameters and self.most_answered is None:
            return body
        request: dict[str, Any] = {}
        for name, value in body.items():
            if name in self.parameters:
                name = OTHER_NAME.get(name, name)
            if name in OTHER_NAME and self.most_answered is not None:
                value = min(value, self.most_answered)
            if name not in self.parameters and BELONGS_TO.get(name) not in self.parameters:
                request[name] = value
        return request


def _steps(named: Iterable[str]) -> Iterator[str]:
    """The names in the paths, each from its end: `stream_options.include_usage` is refused with what it stands in."""
    for path in named:
        for name in reversed(path.replace("[", ".").replace("]", "").split(".")):
            yield name
            # As engines that are written in Go or Java call it.
            if (snake := CAMEL.sub("_", name).lower()) != name:
                yield snake


def _meant(form: Form, messages: Any) -> Form:
    """The form that is refused: engines say "a valid string" of lists and of null, and only images make lists."""
    contents = [message["content"] for message in messages or ()]
    if form == "absent content" and None not in contents:
        form = "lists of content"
    lists = [content for content in contents if isinstance(content, list)]
    if form == "lists of content" and not lists and None in contents:
        return "absent content"
    is_image = any(part["type"] == "image_url" for content in lists for part in content)
    return "images" if form == "lists of content" and is_image else form


def _has_field(messages: object, name: str) -> bool:
    if isinstance(messages, list):
        return any(_has_field(message, name) for message in messages)
    if not isinstance(messages, dict):
        return False
    # A function cannot do without its name.
    function = messages.get("function") if name != "name" else None
    return name in messages or _has_field(messages.get("tool_calls"), name) or _has_field(function, name)
