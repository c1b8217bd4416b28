"""Words that no reader should have to stumble over."""

from __future__ import annotations

import re
from itertools import chain

from tests.harness.processes import ROOT

PACKAGE = ROOT / "mockbackend"
# Apart, since a search that begins at words' borders takes three times as long.
FORBIDDEN = (
    re.compile(r"gainsay|befall|is none\b|are none\b|whoever|at the most\b|of ours\b"),
    re.compile(r"\b(?:told|anew|so many|a \w+ more)\b"),
)


def test_nothing_is_worded_like_this() -> None:
    code = (path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".js", ".css", ".html"})
    own = (path for path in code if PACKAGE / "page" / "vendor" not in path.parents)
    prose = (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        ROOT / "env.sample",
        *(ROOT / "docs").glob("*.md"),
    )
    texts = ((path, path.read_text()) for path in chain(own, prose))
    suspect = [(path, text) for path, text in texts if is_forbidden(text)]
    lines = [(path, line.strip()) for path, text in suspect for line in text.splitlines() if is_forbidden(line)]
    assert [f"{path.relative_to(ROOT)}: {line}" for path, line in lines] == []


def is_forbidden(text: str) -> bool:
    return any(words.search(text) for words in FORBIDDEN)
