"""Searching a user's documents in a turn: the passages go to the model, their places to the reader as sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..documents.documents import Citation, Documents
from ..events import Source
from .answer import Answer

Search = Callable[[str], Awaitable[list[dict[str, str]]]]


def document_search(documents: Documents, answer: Answer, userid: str, file_ids: Sequence[str] | None) -> Search:
    """The search function of a turn. Whatever the model asks for, it sees only files of this user."""

    async def search(query: str) -> list[dict[str, str]]:
        citations = await documents.search(userid, query, file_ids)
        for source in dict.fromkeys(map(_source, citations)):
            # Each place is named once, however often the model finds it.
            if source not in answer.events:
                answer.emit(source)
        return [_passage(citation) for citation in citations]

    return search


def _source(citation: Citation) -> Source:
    passage = citation.passage
    return Source(citation.file.id, citation.file.name, citation.file.media_type, passage.place or passage.heading)


def _passage(citation: Citation) -> dict[str, str]:
    passage = citation.passage
    fields = {"file": citation.file.name, "place": passage.place, "heading": passage.heading, "text": passage.text}
    return {key: value for key, value in fields.items() if value}
