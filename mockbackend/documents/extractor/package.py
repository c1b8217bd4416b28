"""The parts of an Office file, read one by one: one that is missing or damaged costs no other."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from .limits import XML_ERR_NO_MEMORY

# What "Strict Open XML" calls a namespace, and what everybody else calls it.
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError)


def parse_xml(data: bytes) -> Any:
    """The root of a document. Entities are neither resolved nor fetched, and nesting is limited."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    return etree.fromstring(data, parser)


@dataclass(frozen=True, slots=True)
class Relationship:
    """What one part calls another: its id, the last word of its type, and the name of the other part."""

    id: str
    kind: str
    target: str


class Package:
    """An Office file. Names of parts have slashes, no slash in front, and lower case, whatever the program wrote."""

    def __init__(self, path: str) -> None:
        self._archive = zipfile.ZipFile(path)
        self._entries = {part_name(entry.filename): entry for entry in self._archive.infolist()}

    def names(self, pattern: str) -> list[str]:
        """The parts whose names match, by the numbers in them."""
        found = [name for name in self._entries if re.fullmatch(pattern, name)]
        return sorted(found, key=lambda name: [int(digits) for digits in re.findall(r"\d+", name)])

    def xml(self, name: str) -> Any:
        """The root of a part. None if there is no such part, or if it is damaged."""
        try:
            return self.required_xml(name)
        except (KeyError, *_DAMAGE):
            return None
        except etree.XMLSyntaxError as error:
            if error.code == XML_ERR_NO_MEMORY:
                raise
            return None

    def data(self, name: str) -> bytes | None:
        """The bytes of a part. None if there is no such part, or if it is damaged."""
        with suppress(KeyError, *_DAMAGE):
            return self._archive.read(self._entries[name])
        return None

    def required_xml(self, name: str) -> Any:
        """The root of a part without which there is no document."""
        data = _STRICT.sub(_USUAL, self._archive.read(self._entries[name]))
        return parse_xml(data)

    def relationships(self, name: str = "") -> Iterator[Relationship]:
        """The relationships of a part, or of the whole file, to parts that exist."""
        folder, _, base = name.rpartition("/")
        root = self.xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        for element in () if root is None else root.iter(_RELATIONSHIPS):
            target = element.get("Target", "")
            joined = part_name(target if target.startswith(("/", "\\")) else f"{folder}/{target}")
            if element.get("TargetMode") != "External" and joined in self._entries:
                yield Relationship(element.get("Id", ""), element.get("Type", "").rpartition("/")[2], joined)

    def undamaged(self, changes: Mapping[str, bytes]) -> bytes:
        """The file with those parts that can be read, some of them changed."""
        data = BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, entry in self._entries.items():
                if not name.endswith((".xml", ".rels")) or self.xml(name) is not None:
                    with suppress(*_DAMAGE):
                        archive.writestr(entry.filename, changes.get(name) or self._archive.read(entry))
        return data.getvalue()

    def main(self, usual: str) -> str:
        """The part that is the document: the one that the file names, or else the one with the usual name."""
        named = (one.target for one in self.relationships() if one.kind == "officeDocument")
        return next(named, usual)


def part_name(name: str) -> str:
    """The name of a part as `Package` has it. Some programs write `word\\document.xml`."""
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/").lower()
