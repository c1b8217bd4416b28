"""The pages of the web that an answer cites, as engines that search it for their models send them."""

from __future__ import annotations

from typing import Any

from ...events import Source

# Browsers take no longer address, and nobody reads a longer title.
URL_CHARACTERS, TITLE_CHARACTERS = 2_000, 300


class Citations:
    """The pages that an answer has cited so far: each is a source once."""

    def __init__(self) -> None:
        self._urls: set[str] = set()

    def new(self, annotations: Any) -> list[Source]:
        """The sources among these annotations that were not there before."""
        found: list[Source] = []
        for annotation in annotations if isinstance(annotations, list) else ():
            source = _source(annotation)
            if source and source.url not in self._urls:
                self._urls.add(source.url)
                found.append(source)
        return found


def _source(annotation: Any) -> Source | None:
    """The page of an annotation of either wire; None for other kinds, and for what is no address of the web."""
    if not isinstance(annotation, dict) or annotation.get("type") != "url_citation":
        return None
    # Over `/responses` they stand in the annotation itself.
    cited = annotation.get("url_citation", annotation)
    url, title = (cited.get("url"), cited.get("title")) if isinstance(cited, dict) else (None, None)
    if not isinstance(url, str) or len(url) > URL_CHARACTERS or not url.startswith(("http://", "https://")):
        return None
    name = " ".join(title.split())[:TITLE_CHARACTERS] if isinstance(title, str) else ""
    return Source("", name or url, "text/html", url=url)
