"""README.md as a package index shows it: there no relative link leads anywhere, and no file of docs/ can be shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"\[?!\[[^\]]*\]\((?!https?:)[^)]*\)(?:\]\([^)]*\))?")
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)([^)]*)\)")
ROW_OF_PICTURES = re.compile(r"^\|[ |]*\|\n\|[-|]*\|\n\|[ |]*\|\n\n", re.MULTILINE)
WHERE = "Paths such as `docs/testing.md` are those of the repository, and of the source archive of this package.\n\n"


class PackageReadme(MetadataHookInterface):
    """The hook that hatchling calls for the fields that pyproject.toml leaves open."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_a_package_index(text)}


def for_a_package_index(text: str) -> str:
    """The text with paths in place of links to files, words in place of links within, and without pictures."""
    blocks = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    words = "".join(block if block.startswith("```") else _without_links(block) for block in blocks)
    head, first_section, rest = words.partition("\n## ")
    return f"{head}\n{WHERE}{first_section.lstrip()}{rest}"


def _without_links(text: str) -> str:
    text = ROW_OF_PICTURES.sub("", PICTURE.sub("", text))
    text = LINK.sub(lambda link: link[1] if link[2].startswith("#") else _path(*link.groups()), text)
    return re.sub(r"\n{3,}", "\n\n", text)


def _path(words: str, path: str) -> str:
    return f"`{path}`" if words == path else f"{words} (`{path}`)"
