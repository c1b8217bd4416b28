"""The names and addresses of what an answer draws on."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from ..events import Source
from ..messages import SourcePart
from .links import Links

# How the readers of documents write places.
_PLACE = re.compile(r"(?:sheet (.+?))?(?:(?:, )?rows? ([\d-]+))?|(page|slide) (\d+)")


def source_url(source: Source, links: Links) -> str:
    """The URL of the place, as viewers and RFC 7111 write it: `#page=7`, `#sheet=Sales&row=2-9`; or of the page."""
    if source.url:
        return source.url
    found = _PLACE.fullmatch(source.place)
    if found is None:
        return links.file(source.file_id)
    sheet, rows, kind, number = found.groups()
    places = {name: value for name, value in (("sheet", sheet), ("row", rows), (kind, number)) if value}
    return (
        f"{links.file(source.file_id)}#{urlencode(places, quote_via=quote)}" if places else links.file(source.file_id)
    )


def source_title(source: Source) -> str:
    """A document and the place in it: `plan.pdf, page 3`."""
    return f"{source.name}, {source.place}" if source.place else source.name


def stored_source(part: SourcePart) -> Source:
    """The source of a stored part."""
    return Source(part["file_id"], part["name"], part["media_type"], part["place"], part.get("url", ""))
