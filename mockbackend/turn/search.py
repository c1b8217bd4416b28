"""Searching a user's documents in a turn: the passages go to the model, their places to the reader as sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import orjson

from ..documents.documents import Citation, Documents
from ..events import Source
from ..mock import drawn
from ..storage import File
from .answer import Answer


class DocumentSearch:
    """The search of a turn. Whatever the model asks for, it sees only files of this user."""

    def __init__(self, documents: Documents, answer: Answer, userid: str, file_ids: Sequence[str] | None) -> None:
        self._documents = documents
        self._answer = answer
        self._userid = userid
        self._file_ids = file_ids

    async def __call__(self, query: str) -> dict[str, Any]:
        """The passages that answer the query, best first, and which files could not be searched."""
        citations = await self._documents.search(self._userid, query, self._file_ids)
        for source in dict.fromkeys(map(_source, citations)):
            # Each place is named once, however often the model finds it.
            if source not in self._answer.events:
                self._answer.emit(source)
        unready = {file.name: _reason(file) for file in await self._documents.unready(self._userid, self._file_ids)}
        found = {"passages": [_passage(citation) for citation in citations]}
        return {**found, "not_searched": unready} if unready else found

    async def notice(self) -> str:
        """What the model has to know beforehand: which files it cannot search; empty if it can search all."""
        unready = await self._documents.unready(self._userid, self._file_ids)
        if not unready:
            return ""
        # Names are the user's words, so they are quoted.
        lines = [f"- {orjson.dumps(file.name).decode()}: {_reason(file)}" for file in unready]
        return "\n".join([UNREADY, *lines])


UNREADY = "These files of the user cannot be searched. If an answer depends on one of them, say so, and why:"


def _reason(file: File) -> str:
    """Why a file cannot be searched, and how far it is."""
    match file.status:
        case "queued":
            return "it waits to be read"
        case "extracting":
            return "it is being read"
        case "embedding":
            return f"it is being indexed, {file.done} of {file.total} passages are done"
        case "failed":
            return f"it could not be read. {file.error or ''}".rstrip()
        case "ready":
            return "it is ready by now"
        case status:
            assert_never(status)


def _source(citation: Citation) -> Source:
    passage = citation.passage
    return Source(citation.file.id, citation.file.name, citation.file.media_type, passage.place or passage.heading)


def _passage(citation: Citation) -> dict[str, str]:
    passage, file = citation.passage, citation.file
    fields = {
        "id": _source(citation).id,
        "file": file.name,
        "uploaded": datetime.fromtimestamp(drawn.shown_ms(file.created_at) / 1000, UTC).isoformat(timespec="seconds"),
        "place": passage.place,
        "heading": passage.heading,
        "text": passage.text,
    }
    return {key: value for key, value in fields.items() if value}
