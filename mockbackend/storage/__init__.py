"""Everything that outlives a process: the contract that each engine keeps. Storage knows no HTTP and no model API.

Every method is one intention and one atomic unit: it is done whole or not at all, even if its process is killed or
its caller is cancelled, unless it says otherwise. Work of several units is ordered so that a crash between any two is
finished by the next process that looks. Nothing above an engine knows a folder, a connection, or how it tells the
living processes from the dead. Text is any Unicode. Messages come back as they were; a title or a name may have U+FFFD
where a NUL was. Text that cannot be encoded raises ValueError or TypeError, and nothing is stored. Every method raises
StorageError while the data cannot be read or written, and works again when it can.
`tests/storage/contract` holds every engine to this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ..messages import Message
from ..settings import Settings, SettingsError
from .files import Files, Queue, Upload
from .passages import Passages
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
    Image,
    IndexingJob,
    Probe,
    RunningTurn,
    Status,
    StorageError,
    TakenOver,
    TooManyTurns,
    Turn,
    traceback_of,
)

__all__ = [
    "Beat",
    "Blob",
    "Claim",
    "Conversation",
    "Conversations",
    "Cursor",
    "DamagedHistory",
    "File",
    "FileLimits",
    "Files",
    "FollowedTurn",
    "History",
    "Image",
    "Images",
    "IndexingJob",
    "Passages",
    "Probe",
    "Queue",
    "RunningTurn",
    "Status",
    "Storage",
    "StorageError",
    "TakenOver",
    "TooManyTurns",
    "Turn",
    "TurnFollower",
    "Turns",
    "Upload",
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
        """All of them, oldest first; [] for an unknown conversation. Raises DamagedHistory."""


class TurnFollower(Protocol):
    """One reader of a turn's log, as it grows."""

    async def read(self) -> FollowedTurn | None:
        """The turn by now; it may have ended. None if its row is gone."""


class Turns(Protocol):
    """The turns that run, of all processes; each has one row, the write-ahead log of the history."""

    async def begin(
        self,
        userid: str,
        conversation_id: str,
        title: str,
        place: Callable[[Conversation], Turn | None],
        *,
        running_limit: int,
        with_base: bool,
    ) -> tuple[Conversation | None, Claim | None]:
        """The conversation's row, made if it is missing, and the claim of the turn that `place` makes of it.

        The row is None if the id is another user's or is being deleted; the claim is None if `place` returns None, or
        if another turn runs. If `place` raises, nothing is stored. It may be called on another thread, and more than
        once. With `with_base`, the claim has the messages before the turn's. A claim is withdrawn if its caller is
        cancelled. Raises TooManyTurns, and with `with_base` DamagedHistory.
        """

    async def claim(
        self, turn: Turn, conversation: Conversation, title: str, history: list[Message], *, running_limit: int
    ) -> Claim | None:
        """Write the row of a turn whose place was found in `history`, read after that row of its conversation.

        None if another turn runs, or if the conversation has another version by now. Raises TooManyTurns.
        """

    async def running(self, conversation_id: str) -> RunningTurn | None:
        """The conversation's turn that is not over."""

    async def unfinished(self) -> list[RunningTurn]:
        """Every turn that is not over, of all processes. A damaged row is logged and left out."""

    def follow(self, turn: Turn) -> TurnFollower:
        """What reads the log of a turn that another process runs."""

    async def take_over(self, running: RunningTurn) -> bool:
        """Claim a turn whose process is dead. False if another process was quicker."""

    async def request_stop(self, turn: Turn) -> None:
        """Ask the process that runs the turn to end it."""

    async def beat(self) -> Beat:
        """Delete the rows of turns long over; return which of this process's turns others care about.

        One has to stop if another process has asked for it, or may have taken it over. One is followed for a few
        seconds after each read of its log.
        """

    async def write_logs(self, logs: list[tuple[Turn, bytes]]) -> None:
        """Write what these turns of this process have said so far. The log of a turn that is over is final."""

    async def end(self, turn: Turn, answers: list[Message], log: bytes) -> None:
        """Settle a turn of this process: its new messages and `answers` follow its base, and it is over.

        Images in them are kept from now on. `log` is the whole turn, for readers in other processes. If a process
        died in the middle of this, the messages that it wrote stay. Does nothing if the turn is over already. Raises
        DamagedHistory, and TakenOver if this process has counted as dead and another has taken the turn over.
        """

    async def give_up(self, turn: Turn, log: bytes) -> None:
        """Leave a turn whose end could not be stored to any process, with all that it has said."""


class Images(Protocol):
    """Images, each behind an unguessable token; one that no settled message holds goes with its process."""

    async def put(self, userid: str, conversation_id: str, image: Image) -> str:
        """Store an image of that conversation; returns its token (192 bits)."""

    async def get(self, token: str) -> Image | None:
        """The image of that token."""

    async def home(self, userid: str, token: str) -> str | None:
        """The id of the conversation that this image belongs to. None if it is not the user's."""

    async def discard(self, tokens: Iterable[str]) -> None:
        """Remove these images."""

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

        It is not checked: somebody may have written it by hand. Raises OSError.
        """

    @property
    def login_place(self) -> str:
        """Where that login is kept, for the operator."""

    async def close(self) -> None:
        """Close everything. Other processes see at once that this one is gone."""


async def open_storage(settings: Settings) -> Storage:
    """Open the engine that the settings name; make or migrate it first, if needed. Raises SettingsError."""
    import_engine(settings)
    try:
        if settings.database_url:
            from .postgres import open_postgres

            return await open_postgres(settings)
        from .embedded import open_embedded

        return await open_embedded(settings.data_dir)
    except OSError as error:
        reason = error.strerror or type(error).__name__
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
