"""Everything that outlives a process: the contract that each engine keeps. Storage knows no HTTP and no model API.

Every method is one intention and one atomic unit: it is done whole or not at all, even if its process is killed or
its caller is cancelled, unless it says otherwise. Work of several units is ordered so that a crash between any two is
finished by the next process that looks. Nothing above an engine knows a folder, a connection, or how it tells the
living processes from the dead. Text is any Unicode. Messages come back as they were; a title or a name may have U+FFFD
where a NUL was. Text that cannot be encoded raises ValueError or TypeError, and nothing is stored. A limit, a place
and the length of a turn's base may be any integer: a negative one means 0, one that is too large all that is there.
Every method raises StorageError while the data cannot be read or written, and works again when it can.
`tests/storage/contract` holds every engine to this.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Protocol

from ..messages import Message
from ..settings import Settings, SettingsError
from .exchanges import Exchange, Window
from .files import Files, Queue, Upload
from .passages import Passages
from .spending import ClaimLimits, DayLimitReached, DayLimits, Prices, Spending, Spent
from .turns import TurnFollower, Turns
from .values import (
    Beat,
    Blob,
    Claim,
    Conversation,
    Cursor,
    DamagedHistory,
    File,
    FileLimits,
    FollowedTurn,
    HistoryChanged,
    Image,
    IndexingJob,
    OlderVersion,
    Probe,
    QuotaExceeded,
    RunningTurn,
    Status,
    StorageError,
    TakenOver,
    TooManyConversations,
    TooManyTurns,
    Turn,
    traceback_of,
)

__all__ = [
    "Beat",
    "Blob",
    "Claim",
    "ClaimLimits",
    "Conversation",
    "Conversations",
    "Cursor",
    "DamagedHistory",
    "DayLimitReached",
    "DayLimits",
    "Exchange",
    "File",
    "FileLimits",
    "Files",
    "FollowedTurn",
    "History",
    "HistoryChanged",
    "Image",
    "Images",
    "IndexingJob",
    "OlderVersion",
    "Passages",
    "Prices",
    "Probe",
    "Queue",
    "QuotaExceeded",
    "RunningTurn",
    "Spending",
    "Spent",
    "Status",
    "Storage",
    "StorageError",
    "TakenOver",
    "TooManyConversations",
    "TooManyTurns",
    "Turn",
    "TurnFollower",
    "Turns",
    "Upload",
    "Window",
    "import_engine",
    "open_storage",
    "storage_place",
    "storage_probes",
    "traceback_of",
]


NOT_INSTALLED = (
    "DATABASE_URL: the package psycopg is not installed. Start with `uv run --extra postgres mockbackend serve`, "
    "or run `pip install 'psycopg[binary,pool]'`"
)


class Conversations(Protocol):
    """The conversations' rows: who owns what, titles, pins, listing and search."""

    async def get(self, userid: str, conversation_id: str) -> Conversation | None:
        """The owner's row of that id. A running turn counts as what it will have made of the history."""

    async def page(self, userid: str, *, limit: int, after: Cursor | None, query: str) -> list[Conversation]:
        """A page of the owner's rows: pinned first, then the newest, then by id.

        `query` is looked for in titles and settled messages, in any case; no character of it is special.
        """

    async def change(
        self, userid: str, conversation_id: str, *, title: str | None = None, is_pinned: bool | None = None
    ) -> Conversation | None:
        """Rename or pin. None changes nothing."""

    async def hide(self, userid: str, conversation_id: str) -> bool:
        """Begin a deletion: from now on nobody sees the row. False if the user has no such conversation."""

    async def hidden(self) -> list[str]:
        """The ids whose deletion has begun but not ended."""

    async def erase(self, conversation_id: str) -> None:
        """End the deletion of a hidden conversation: history, images, turn, row. Does nothing if it is not hidden.

        May be repeated after a crash, and by several processes.
        """


class History(Protocol):
    """The settled messages of conversations."""

    async def read(self, conversation_id: str) -> list[Message]:
        """All of them, oldest first; [] for an unknown conversation.

        Of a turn that cannot be read there are messages that say so. Raises DamagedHistory where nothing can be read.
        """

    def pieces(self, conversation_id: str, start: int = 0, length: int | None = None) -> AsyncGenerator[list[Message]]:
        """The same from `start` on, some at a time, of the first `length` or of all that there are at the first piece.

        Raises HistoryChanged where a turn has replaced some of them since.
        """


class Images(Protocol):
    """Images, each behind an unguessable token; one that no settled message holds goes with its process."""

    async def put(self, userid: str, conversation_id: str, image: Image, *, user_bytes: int) -> str:
        """Store an image of that conversation; returns its token (192 bits).

        Raises QuotaExceeded if the user's documents and images would be more than `user_bytes` with it.
        """

    async def get(self, token: str) -> Image | None:
        """The image of that token. None if its row says that it is something else."""

    async def content(self, token: str) -> tuple[str, Blob] | None:
        """The media type of the image of that token, and its bytes, to be read a piece at a time."""

    async def home(self, userid: str, token: str) -> str | None:
        """The id of the conversation that this image belongs to. None if it is not the user's."""

    async def discard(self, tokens: Iterable[str]) -> None:
        """Remove these images. What fails is left to `finish_removals`."""

    async def finish_removals(self) -> None:
        """Remove what this process has to remove, and could not since the storage failed."""

    async def clean(self) -> None:
        """Remove what dead processes made and no message holds."""


class Storage(Protocol):
    """The stores of one process, open."""

    @property
    def conversations(self) -> Conversations: ...
    @property
    def history(self) -> History: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def spending(self) -> Spending: ...
    @property
    def images(self) -> Images: ...
    @property
    def files(self) -> Files: ...
    @property
    def file_queue(self) -> Queue: ...
    @property
    def passages(self) -> Passages: ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator should mend, a sentence each; empty if all is well."""

    async def probe(self, *, write: bool) -> None:
        """Raise StorageError if the data is gone or, with `write`, if a little cannot be written and read."""

    async def login(self) -> str:
        """The login `user:password` that all processes share if none is configured. Made at the first call.

        It is not checked: somebody may have written it by hand. Raises OSError and StorageError.
        """

    @property
    def login_place(self) -> str:
        """Where that login is kept, for the operator."""

    async def close(self) -> None:
        """Close everything; once more does nothing. Other processes see at once that this one is gone."""


async def open_storage(settings: Settings, *, upgrade: bool = True) -> Storage:
    """Open the engine that the settings name; make or migrate it first, if needed. Raises SettingsError.

    Without `upgrade` what an older version has written is left as it is: raises OlderVersion.
    """
    import_engine(settings)
    try:
        if settings.database_url:
            from .postgres import open_postgres

            return await open_postgres(settings, upgrade=upgrade)
        from .embedded import open_embedded

        return await open_embedded(settings.data_dir, upgrade=upgrade)
    except (OSError, StorageError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SettingsError([f"{storage_place(settings)} cannot be used ({reason})"]) from error


def storage_place(settings: Settings) -> str:
    """Where everything is kept, after the name of its setting."""
    return "DATABASE_URL: the database" if settings.database_url else f"DATA_DIR: {settings.data_dir}"


def storage_probes(settings: Settings) -> list[Probe]:
    """What can be tried of the place before the stores are opened there."""
    import_engine(settings)
    if settings.database_url:
        from .postgres.examination import probes

        return probes(settings)
    return []


def import_engine(settings: Settings) -> None:
    """Import the engine that the settings name. Raises SettingsError if it is not installed."""
    # Not at the top: an engine takes its values from this package, and only one of them is needed.
    if not settings.database_url:
        from . import embedded  # noqa: F401

        return
    try:
        from . import postgres  # noqa: F401
    except ImportError:
        raise SettingsError([NOT_INSTALLED]) from None
