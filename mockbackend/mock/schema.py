"""The JSON Schema of scripts, made from the types that check them."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from .script import Script


@cache
def script_schema() -> dict[str, Any]:
    """The schema, for editors: a script that it takes may still have problems that types cannot express."""
    (schema,), components = msgspec.json.schema_components([Script], ref_template="#/$defs/{name}")
    for definition in components.values():
        # `kind: chat` may be left out.
        if definition.get("properties", {}).get("kind", {}).get("enum") == ["chat"]:
            definition["required"] = [name for name in definition.get("required", []) if name != "kind"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A script of the mock",
        **schema,
        "$defs": components,
    }
