"""A tool that runs at the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClientTool:
    """A tool as its client has declared it. `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]
