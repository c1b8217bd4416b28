"""Azure AI Search as an index of documents: passages are copied there, and found there by words and vectors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....errors import UpstreamError
from ....settings import SettingsError
from ....storage.passages import Passage
from ..result import SearchResult
from .schema import INDEX_NAME, Action, IndexMissing, batches, harmless, key, owned_by, removal, upload

if TYPE_CHECKING:
    from ....storage import Passages
    from ....upstream.embeddings import Vector
    from .service import Shape

# Passages that are read and encoded at once.
READ_AT_ONCE = 500
# Keys that are looked up and deleted at once.
DELETED_AT_ONCE = 1000
# What was taken is shown a moment later, commonly within a second or two.
SHOWN_SECONDS, SHOWN_EVERY = 30.0, 0.5
EXTRA_MISSING = (
    "AZURE_SEARCH_ENDPOINT: needs a package more: uv run --extra azure-search mockbackend serve, "
    "or pip install azure-search-documents"
)
WRONG_NAME = (
    "AZURE_SEARCH_INDEX_NAME: must be 2 to 128 lower-case letters, digits and single dashes, with a letter or digit at "
    "both ends"
)
log = logging.getLogger("mockbackend.documents")


class AzureSearchIndex:
    """The passages of all owners in one index; every call names the owner. Raises UpstreamError, in words.

    Opening it is a SettingsError where the extra is not installed, or the name is none that an index can have.
    `wait_seconds` is how long one call may wait in all while the service is throttling.
    """

    def __init__(self, endpoint: str, key: str, name: str, passages: Passages, wait_seconds: float) -> None:
        if not INDEX_NAME.match(name):
            raise SettingsError([WRONG_NAME])
        try:
            # Imported late: only they need it who set it, and it is an extra.
            from .service import SearchService
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "azure":
                raise
            raise SettingsError([EXTRA_MISSING]) from error
        self._service = SearchService(endpoint, key, name, wait_seconds)
        self._passages = passages
        self._shape: Shape | None = None
        self._making = asyncio.Lock()
        # Files whose passages were sent and have not been seen since: how many, by owner and file.
        self._unseen: dict[tuple[str, str], int] = {}

    @property
    def holds_copies(self) -> bool:
        """What was staged can go once it is published."""
        return True

    async def close(self) -> None:
        """Let go of the connections."""
        await self._service.close()

    async def check(self) -> str:
        """What works, in a line."""
        name = self._service.name
        try:
            shape = await self._service.shape()
            count = await self._service.count()
        except IndexMissing:
            return f"index {name} is not there yet, the first document makes it"
        vectors = f"{shape.dimensions} dimensions" if shape.dimensions else "words alone"
        return f"index {name}, {vectors}, {count} passages"

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        """Copy the staged passages of a file into the index, made where it is missing; again changes nothing."""
        try:
            await self._publish(userid, file_id, name)
        except IndexMissing:
            log.warning("the search index %s was deleted; it is made anew for file %s", self._service.name, file_id)
            self._shape = None
            await self._publish(userid, file_id, name)

    async def search(
        self, userid: str, query: str, vector: Vector | None, file_ids: Sequence[str] | None, limit: int
    ) -> list[SearchResult]:
        """The owner's passages that answer the query, best first: of these files, or of all with None."""
        text = harmless(query)
        nowhere = file_ids is not None and not file_ids
        if nowhere or (not text and vector is None):
            return []
        if vector is not None:
            await self._fit(vector.size)
        try:
            rows = await self._service.search(text, vector, owned_by(userid, file_ids), limit)
        except UpstreamError:
            # It may have been replaced by one of another shape: the next call looks again.
            self._shape = None
            raise
        return [
            SearchResult(
                row["file_id"], Passage(row["content"], row["place"] or "", row["heading"] or ""), row["@search.score"]
            )
            for row in rows
            # The filter has seen to it; that nobody reads another's passages is worth a second look.
            if row["owner"] == userid and (file_ids is None or row["file_id"] in file_ids)
        ]

    async def forget(self, userid: str, file_id: str) -> None:
        """Delete every passage of the file; one that has none is no error."""
        try:
            await self._remove_unseen(userid, file_id)
            await self._remove(userid, file_id, after=-1)
        except IndexMissing:
            self._unseen.pop((userid, file_id), None)

    async def _publish(self, userid: str, file_id: str, name: str) -> None:
        count, last = 0, -1
        while read := await self._passages.read(file_id, READ_AT_ONCE, last):
            await self._fit(next((vector.size for _, _, vector in read if vector is not None), None), make=True)
            last = read[-1][0]
            self._unseen[userid, file_id] = last + 1
            # Hundreds of vectors take their time to write as JSON, and others are being answered.
            actions = await asyncio.to_thread(_uploads, userid, file_id, name, read)
            for batch in batches(actions):
                await self._service.change(batch)
            count += len(read)
        if count:
            await self._until_shown(userid, file_id, count, last)
            # Of a longer version that was published before.
            await self._remove(userid, file_id, after=last)

    async def _fit(self, dimensions: int | None, *, make: bool = False) -> None:
        """See that the index takes embeddings of so many numbers; it is made where it is missing, if that is wanted."""
        async with self._making:
            if self._shape is None:
                try:
                    self._shape = await self._service.shape()
                except IndexMissing:
                    if not make:
                        raise
                    await self._service.create(dimensions)
                    self._shape = await self._service.shape()
            has = self._shape.dimensions
        if dimensions is None or dimensions == has:
            return
        holds = f"holds embeddings of {has} numbers" if has else "was made without embeddings"
        self._shape = None
        raise UpstreamError(
            f"The search index {holds}, and the embedding model gives {dimensions}. The operator should set "
            "AZURE_SEARCH_INDEX_NAME to a name that is not taken; documents then have to be uploaded again."
        )

    async def _until_shown(self, userid: str, file_id: str, count: int, last: int) -> None:
        """Wait until a search would find all of the file: what was taken a moment ago cannot be found to be deleted."""
        filter_ = f"{owned_by(userid, [file_id])} and position le {last}"
        deadline = asyncio.get_running_loop().time() + SHOWN_SECONDS
        while await self._service.count(filter_) < count:
            if asyncio.get_running_loop().time() > deadline:
                log.warning("file %s is indexed, but not all of it is shown after %d s", file_id, SHOWN_SECONDS)
                return
            await asyncio.sleep(SHOWN_EVERY)
        self._unseen.pop((userid, file_id), None)

    async def _remove(self, userid: str, file_id: str, after: int) -> None:
        """Delete the passages of the file that stand after a position, as a search shows them."""
        while rows := await self._service.listed(
            f"{owned_by(userid, [file_id])} and position gt {after}", DELETED_AT_ONCE
        ):
            await self._service.change([removal(row["id"]) for row in rows])
            after = rows[-1]["position"]

    async def _remove_unseen(self, userid: str, file_id: str) -> None:
        """Delete by their keys the passages that a search may not show yet."""
        count = self._unseen.get((userid, file_id), 0)
        for batch in batches([removal(key(userid, file_id, position)) for position in range(count)]):
            await self._service.change(batch)
        self._unseen.pop((userid, file_id), None)


def _uploads(
    userid: str, file_id: str, name: str, staged: Sequence[tuple[int, Passage, Vector | None]]
) -> list[Action]:
    return [upload(userid, file_id, name, position, passage, vector) for position, passage, vector in staged]
