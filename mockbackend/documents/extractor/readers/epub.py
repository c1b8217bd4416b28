"""EPUB: the chapters of a book, in their order."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from ...errors import HasPassword, TooLarge
from ..limits import Limits
from ..output import Output
from ..package import Package, part_name
from .html import read_page

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_BOOK = "{http://www.idpf.org/2007/opf}"
_ENCRYPTED = "{http://www.w3.org/2001/04/xmlenc#}CipherReference"
_PAGES = ("application/xhtml+xml", "text/html")


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every paragraph of every chapter."""
    package = Package(path)
    chapters = _chapters(package)
    if len(chapters) > limits.pages:
        raise TooLarge(f"The book has more than {limits.pages:,} chapters (MAX_DOCUMENT_PAGES).")
    protected = _protected(package)
    for number, name in enumerate(chapters, 1):
        if name in protected:
            raise HasPassword()
        data = package.data(name)
        if data is not None:
            output.place(f"chapter {number}")
            read_page(data, output)


def _chapters(package: Package) -> list[str]:
    """The parts that are chapters. Each counts once, however often the book names it."""
    container = package.required_xml("meta-inf/container.xml")
    main = next((one.get("full-path", "") for one in container.iter(f"{_CONTAINER}rootfile")), "")
    book = package.required_xml(part_name(main))
    folder = posixpath.dirname(main)
    items = {
        item.get("id"): part_name(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in book.iter(f"{_BOOK}item")
        if item.get("media-type") in _PAGES
    }
    spine = [items[one.get("idref")] for one in book.iter(f"{_BOOK}itemref") if one.get("idref") in items]
    return list(dict.fromkeys(spine or items.values()))


def _protected(package: Package) -> set[str]:
    """The parts that a shop has encrypted."""
    root = package.xml("meta-inf/encryption.xml")
    return set() if root is None else {part_name(unquote(one.get("URI", ""))) for one in root.iter(_ENCRYPTED)}
