"""The wires that a chat can be asked over."""

from __future__ import annotations

from collections.abc import Mapping

from .chat.completion import Completion
from .engine import Api
from .responses.completion import ResponseCompletion

COMPLETIONS: Mapping[Api, type[Completion]] = {"chat": Completion, "responses": ResponseCompletion}
