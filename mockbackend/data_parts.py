"""The names of data parts: what a tool, or a script of the mock, shows the front end beside the answer's words."""

from __future__ import annotations

import re

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
# The service itself reports with these.
RESERVED = ("context", "incomplete", "picture", "retry")
MAX_ID_CHARACTERS = 128
# Under which the emulator sends those of a script, in a chunk of its stream.
DATA_PARTS = "mock_data_parts"


def name_problem(name: object) -> str | None:
    """What is wrong with the name of a data part, in words."""
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        return "a name begins with a letter and has at most 64 letters, digits, - and _"
    if name in RESERVED:
        return f"the names {', '.join(RESERVED)} are the service's own"
    return None
