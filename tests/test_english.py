"""Words that no reader should have to stumble over."""

from __future__ import annotations

import re
from itertools import chain

from tests.harness.processes import ROOT

PACKAGE = ROOT / "mockbackend"
FORBIDDEN = re.compile(
    r"gainsay|befall|is none\b|are none\b|\btold\b|\banew\b|whoever|at the most\b|\bso many\b|of ours\b|\ba \w+ more\b"
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
    lines = ((path, line) for path in chain(own, prose) for line in path.read_text().splitlines())
    assert [f"{path.relative_to(ROOT)}: {line.strip()}" for path, line in lines if FORBIDDEN.search(line)] == []
