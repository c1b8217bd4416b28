"""Names of statements, by which metrics and traces tell them apart."""

from __future__ import annotations

import functools
import re

_WRITE = re.compile(r"(?<!FOR )(?<!KEY )(?<!DO )\b(INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM)\s+([a-z_]+)", re.ASCII)
_READ = re.compile(r"\bFROM\s+([a-z_]+)", re.ASCII)


@functools.lru_cache(maxsize=1024)
def name_of(statement: str) -> str:
    """Its first write, or what it reads: `update turns`, `select messages`."""
    if write := _WRITE.search(statement):
        return f"{write[1].split()[0].lower()} {write[2]}"
    read = _READ.search(statement)
    return f"select {read[1]}" if read else "other"
