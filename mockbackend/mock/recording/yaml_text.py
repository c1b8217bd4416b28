"""A document as YAML that people read and edit: texts of several lines stand as such."""

from __future__ import annotations

import json
from typing import Any

import yaml

# libyaml writes a megabyte in 20 ms, PyYAML in a second.
_Base: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
# It escapes emojis and their like, and puts a text with an escape on one line. While it writes, a character of private
# use stands for each.
PRIVATE = range(0xE000, 0xF900)


def to_yaml(document: Any) -> bytes:
    """A document as people write it."""
    there = set(json.dumps(document, ensure_ascii=False))
    escaped = [one for one in sorted(there) if one > "\uffff" or "\ud800" <= one <= "\udfff"]
    stands_for = dict(zip(map(ord, escaped), (one for one in PRIVATE if chr(one) not in there), strict=False))

    class Dumper(_Base):  # type: ignore[misc]
        """A dumper that begins texts of several lines with `|`, and writes out what comes twice."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent(dumper: Any, text: str) -> Any:
        text = text.translate(stands_for) if stands_for else text
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, represent)
    found: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
    if stands_for:
        found = found.translate({private: one for one, private in stands_for.items()})
    return found.encode("utf-8", "surrogatepass")
