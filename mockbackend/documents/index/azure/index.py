"""Azure AI Search as the index: passages are copied there and found there, by words and vectors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....errors import UpstreamError
from ....settings import SettingsError
from ....storage.passages import Passage
from ..result import SearchResult
from .schema import INDEX_NAME, Action, IndexMissing, batches, escape, key, owned_by, removal, upload, vector_field

if TYPE_CHECKING:
    from ....storage import Passages
    from ....upstream.embeddings import Vector
    from ....upstream.entra import AccessTokens
    from .service import Shape

# Passages read and encoded at a time.
READ_AT_ONCE = 500
# Keys looked up and deleted at a time.
DELETED_AT_ONCE = 1000
# A search shows new documents a moment later, usually within a second or two.
SHOWN_SECONDS, SHOWN_EVERY = 30.0, 0.5
EXTRA_MISSING = (
    "AZURE_SEARCH_ENDPOINT: the package azure-search-documents is not installed. Start with "
    "`uv run --extra azure-search mockbackend serve`, or run `pip install azure-search-documents`"
)
WRONG_NAME = (
    "AZURE_SEARCH_INDEX_NAME: must consist of 2 to 128 lower-case letters, digits and single dashes, with a letter or "
    "digit at both ends"
)
log = logging.getLogger("mockbackend.documents")


class AzureSearchIndex:
    """The passages of all owners in one index; every call names the owner.

    The vectors of each embedding model have a field of their own, so that no query meets those of another.

    Opening it raises SettingsError if the extra is not installed, or the name is not allowed for an index.
    `wait_seconds` limits how long one call waits in all while the service is throttling.
    """

    def __init__(
        self, endpoint: str, key: str | AccessTokens, name: str, model: str, passages: Passages, wait_seconds: float
    ) -> None:
        if not INDEX_NAME.match(name):
            raise SettingsError([WRONG_NAME])
        try:
            # Imported late, because it belongs to an extra.
            from .service import SearchService
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "azure":
                raise
            raise SettingsError([EXTRA_MISSING]) from error
        self._service = SearchService(endpoint, key, name, wait_seconds)
        self._model = model
        self.copies = f"{endpoint.rstrip('/')}/{name} {model}"
        self._passages = passages
        self._shape: Shape | None = None
        self._making = asyncio.Lock()
        # How many passages were sent and may not be shown yet, by owner and file.
        self._unseen: dict[tuple[str, str], int] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()

    async def check(self) -> str:
        """Describe the index in one line, for `mockbackend check`."""
        name = self._service.name
        try:
            shape = await self._service.shape()
            count = await self._service.count()
        except IndexMissing:
            return f"index {name} does not exist yet; the first document creates it"
        sizes = [size for field, size in shape.vectors.items() if field == vector_field(self._model, size)]
        vectors = f"{sizes[-1]} dimensions" if sizes else "words only"
        return f"index {name}, {vectors}, {count} passages"

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        """Copy the staged passages of a file into the index. The index is created if it does not exist."""
        try:
            await self._publish(userid, file_id, name)
        except IndexMissing:
            log.warning("the search index %s was deleted; it is created again for file %s", self._service.name, file_id)
            self._shape = None
            await self._publish(userid, file_id, name)

    async def search(
        self, userid: str, query: str, vector: Vector | None, file_ids: Sequence[str] | None, limit: int
    ) -> list[SearchResult]:
        """Find the passages that answer the query best."""
        text = escape(query)
        nowhere = file_ids is not None and not file_ids
        if nowhere or (not text and vector is None):
            return []
        field = await self._field_of(vector) if vector is not None else None
        if not text and field is None:
            return []
        try:
            rows = await self._service.search(
                text, vector if field else None, field or "", owned_by(userid, file_ids), limit
            )
        except UpstreamError:
            # The index may have been replaced by one of another shape, so the next call looks again.
            self._shape = None
            raise
        return [
            SearchResult(
                row["file_id"], Passage(row["content"], row["place"] or "", row["heading"] or ""), row["@search.score"]
            )
            for row in rows
            # The filter ensures this, but nobody must ever read what is another's, so it is checked again.
            if row["owner"] == userid and (file_ids is None or row["file_id"] in file_ids)
        ]

    async def forget(self, userid: str, file_id: str) -> None:
        """Delete every passage of the file, if there are any."""
        try:
            await self._remove_unseen(userid, file_id)
            await self._remove(userid, file_id, after=-1)
        except IndexMissing:
            self._unseen.pop((userid, file_id), None)

    async def _publish(self, userid: str, file_id: str, name: str) -> None:
        count, last = 0, -1
        while read := await self._passages.read(file_id, READ_AT_ONCE, last):
            field = await self._make_field(next((vector.size for _, _, vector in read if vector is not None), None))
            last = read[-1][0]
            self._unseen[userid, file_id] = last + 1
            # Writing hundreds of vectors as JSON takes time, while others are being answered.
            actions = await asyncio.to_thread(_uploads, userid, file_id, name, read, field)
            for batch in batches(actions):
                await self._service.change(batch)
            count += len(read)
        if count:
            await self._until_shown(userid, file_id, count, last)
            # Left from a longer version that was published before.
            await self._remove(userid, file_id, after=last)

    async def _field_of(self, vector: Vector) -> str | None:
        """The field to compare this vector in; None while the index has no vectors of this model and size."""
        field = vector_field(self._model, vector.size)
        if self._shape is None or field not in self._shape.vectors:
            # Another process may have added it.
            self._shape = await self._service.shape()
        return field if field in self._shape.vectors else None

    async def _make_field(self, dimensions: int | None) -> str | None:
        """The field for vectors of this size, if there are any. Creates the index, and the field, if it is missing."""
        field = None if dimensions is None else vector_field(self._model, dimensions)
        async with self._making:
            try:
                self._shape = self._shape or await self._service.shape()
            except IndexMissing:
                await self._service.create(field, dimensions)
                self._shape = await self._service.shape()
            if field and dimensions and field not in self._shape.vectors:
                await self._service.add_field(field, dimensions)
                self._shape = await self._service.shape()
        return field

    async def _until_shown(self, userid: str, file_id: str, count: int, last: int) -> None:
        """Wait until a search shows the whole file: only passages that it shows can be found and deleted."""
        filter_ = f"{owned_by(userid, [file_id])} and position le {last}"
        deadline = asyncio.get_running_loop().time() + SHOWN_SECONDS
        while await self._service.count(filter_) < count:
            if asyncio.get_running_loop().time() > deadline:
                log.warning(
                    "file %s is indexed, but a search does not show all of it after %d s", file_id, SHOWN_SECONDS
                )
                return
            await asyncio.sleep(SHOWN_EVERY)
        self._unseen.pop((userid, file_id), None)

    async def _remove(self, userid: str, file_id: str, after: int) -> None:
        """Delete the passages of the file after this position, as far as a search shows them."""
        while rows := await self._service.listed(
            f"{owned_by(userid, [file_id])} and position gt {after}", DELETED_AT_ONCE
        ):
            await self._service.change([removal(row["id"]) for row in rows])
            after = rows[-1]["position"]

    async def _remove_unseen(self, userid: str, file_id: str) -> None:
        """Delete the passages that a search may not show yet, by their keys."""
        count = self._unseen.get((userid, file_id), 0)
        for batch in batches([removal(key(userid, file_id, position)) for position in range(count)]):
            await self._service.change(batch)
        self._unseen.pop((userid, file_id), None)


def _uploads(
    userid: str, file_id: str, name: str, staged: Sequence[tuple[int, Passage, Vector | None]], field: str | None
) -> list[Action]:
    return [
        upload(userid, file_id, name, position, passage, {field: vector} if field and vector is not None else {})
        for position, passage, vector in staged
    ]
