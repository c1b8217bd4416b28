"""Optional parameters that a model does not support: remembered, and left out of its later requests."""

from __future__ import annotations

from typing import Any

# Never left out, whatever the model says of them.
REQUIRED = {"model", "messages", "stream", "prompt", "input"}
# Of no use without another parameter.
BELONGS_TO = {"tool_choice": "tools"}
# Two names for one thing: reasoning models support only the first, older engines only the second.
OTHER_NAME = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}


class UnsupportedParameters:
    """What one model does not support, as far as its refusals have shown."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def add(self, name: str, request: dict[str, Any]) -> bool:
        """Leave out `name` from now on; False if the refused request cannot do without it."""
        if name in REQUIRED or name not in request:
            return False
        self._names.add(name)
        return True

    def without(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body without what is not supported; a parameter that has another name is sent under that."""
        if not self._names:
            return body
        request: dict[str, Any] = {}
        for name, value in body.items():
            if name in self._names:
                name = OTHER_NAME.get(name, name)
            if name not in self._names and BELONGS_TO.get(name) not in self._names:
                request[name] = value
        return request
