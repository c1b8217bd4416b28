"""Searching a user's documents for a turn: what is found goes to the model, and its places to the reader as sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..documents.documents import Documents, Hit
from ..events import Source
from .answer import Answer

Search = Callable[[str], Awaitable[list[dict[str, str]]]]


def document_search(documents: Documents, answer: Answer, userid: str, file_ids: Sequence[str] | None) -> Search:
    """The turn's search. Whatever a model asks for, it is the user's own files that are looked at."""

    async def search(query: str) -> list[dict[str, str]]:
        hits = await documents.search(userid, query, file_ids)
        for source in dict.fromkeys(map(_source, hits)):
            # A place is named once, however often the model finds it.
            if source not in answer.events:
                answer.emit(source)
        return [_passage(hit) for hit in hits]

    return search


def _source(hit: Hit) -> Source:
    passage = hit.passage
    return Source(hit.file.id, hit.file.name, hit.file.media_type, passage.place or passage.heading)


def _passage(hit: Hit) -> dict[str, str]:
    passage = hit.passage
    told = {"file": hit.file.name, "place": passage.place, "heading": passage.heading, "text": passage.text}
    return {key: value for key, value in told.items() if value}
