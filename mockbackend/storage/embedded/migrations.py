"""The metadata database's schema, as numbered steps."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from ..casefold import casefold
from ..stored_messages import shown_images
from ..values import DamagedHistory, HistoryChanged
from . import sqlite
from .reading import HistoryReader
from .serde import Serde
from .sqlite import Step, text

# The folder of the images beside the database.
IMAGES = "pictures"
# The database of the messages.
SAVER = "mock-langgraph-db.db"


def _casefold_titles(connection: sqlite3.Connection) -> None:
    """Fill `casefolded_title` in: SQLite's own lower() knows ASCII only."""
    titles = connection.execute("SELECT CAST(title AS BLOB), id FROM conversations").fetchall()
    folded = [(casefold(text(title)), conversation_id) for title, conversation_id in titles]
    connection.executemany("UPDATE conversations SET casefolded_title = ? WHERE id = ?", folded)


def _measure_images(connection: sqlite3.Connection) -> None:
    """Add `size`, in bytes: images count for what a user may store."""
    connection.execute("ALTER TABLE pictures ADD COLUMN size INTEGER NOT NULL DEFAULT 0")
    connection.execute("CREATE INDEX pictures_of_user ON pictures (userid, size)")
    [(database,)] = connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchall()
    folder = Path(database).parent / IMAGES
    if folder.is_dir():
        sizes = [(path.stat().st_size, path.name) for path in folder.iterdir() if path.is_file()]
        connection.executemany("UPDATE pictures SET size = ? WHERE token = ?", sizes)


def _place_images(connection: sqlite3.Connection) -> None:
    """Add `shown_at`, the place of the first settled message that shows the image; NULL where nobody knows it."""
    connection.execute("ALTER TABLE pictures ADD COLUMN shown_at INTEGER")
    [(database,)] = connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchall()
    path = Path(database).parent / SAVER
    settled = connection.execute("SELECT DISTINCT conversation_id FROM pictures WHERE maker IS NULL").fetchall()
    if not settled or not path.exists():
        return
    with closing(sqlite.connect(path)) as saver:
        saver.text_factory = text
        reader = HistoryReader(saver, Serde())
        for (conversation_id,) in settled:
            place = 0
            with suppress(DamagedHistory, HistoryChanged):
                for messages, _ in reader.pieces(text(conversation_id)):
                    connection.executemany(
                        "UPDATE pictures SET shown_at = ? WHERE token = ? AND shown_at IS NULL",
                        [(place, token) for token, place in shown_images(messages, place).items()],
                    )
                    place += len(messages)


MIGRATIONS: tuple[Step, ...] = (
    """
    CREATE TABLE IF NOT EXISTS conversations (
        id TEXT PRIMARY KEY,
        userid TEXT NOT NULL,
        is_pinned BOOLEAN DEFAULT FALSE,
        created_at INTEGER NOT NULL
    );
    """,
    """
    ALTER TABLE conversations ADD COLUMN title TEXT NOT NULL DEFAULT '';
    ALTER TABLE conversations ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE conversations ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE conversations ADD COLUMN deleted_at INTEGER;
    UPDATE conversations SET updated_at = created_at;
    CREATE INDEX conversations_listing ON conversations (userid, is_pinned DESC, updated_at DESC, id DESC);
    -- What was said, folded to one case, for search; position is the message's place in its conversation.
    CREATE TABLE said (
        conversation_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (conversation_id, position)
    ) WITHOUT ROWID;
    CREATE TABLE pictures (
        token TEXT PRIMARY KEY,
        conversation_id TEXT NOT NULL,
        userid TEXT NOT NULL,
        media_type TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX pictures_of ON pictures (conversation_id);
    -- The running turns: the write-ahead log of the history. One that is over stays for a moment.
    CREATE TABLE turns (
        conversation_id TEXT PRIMARY KEY,
        turn_id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        owner TEXT NOT NULL,
        lease_until INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        framing TEXT NOT NULL,
        keep INTEGER NOT NULL,
        added_count INTEGER NOT NULL,
        added BLOB NOT NULL,
        log BLOB NOT NULL,
        stop_requested BOOLEAN NOT NULL DEFAULT FALSE,
        over_at INTEGER
    ) WITHOUT ROWID;
    """,
    """
    -- The process that made the picture, until a settled message holds it: one left by a dead process is nobody's.
    ALTER TABLE pictures ADD COLUMN maker TEXT;
    CREATE INDEX pictures_unsettled ON pictures (maker) WHERE maker IS NOT NULL;
    """,
    """
    -- Users' files. One without a blob has failed; `worker` is the process that indexes it.
    CREATE TABLE files (
        id TEXT NOT NULL UNIQUE,
        userid TEXT NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        media_type TEXT NOT NULL,
        size INTEGER NOT NULL,
        digest BLOB,
        blob TEXT,
        status TEXT NOT NULL,
        done INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        created_at INTEGER NOT NULL,
        worker TEXT,
        claimed_at INTEGER,
        deleted_at INTEGER
    );
    CREATE UNIQUE INDEX files_content ON files (userid, digest) WHERE digest IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX files_listing ON files (userid, created_at DESC);
    CREATE INDEX files_claimed ON files (userid, claimed_at);
    CREATE INDEX files_queued ON files (created_at) WHERE status = 'queued';
    CREATE INDEX files_held ON files (worker) WHERE worker IS NOT NULL;
    """,
    """
    -- The turn whose row this one took over as soon as it was over, for those who still follow it.
    ALTER TABLE turns ADD COLUMN previous_id TEXT;
    ALTER TABLE turns ADD COLUMN previous_log BLOB;
    """,
    """
    ALTER TABLE conversations ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
    -- The title in one case, for search.
    ALTER TABLE conversations ADD COLUMN casefolded_title TEXT NOT NULL DEFAULT '';
    ALTER TABLE turns DROP COLUMN lease_until;
    ALTER TABLE turns RENAME COLUMN keep TO base_length;
    ALTER TABLE turns RENAME COLUMN added TO new_messages;
    ALTER TABLE turns RENAME COLUMN added_count TO new_count;
    ALTER TABLE turns ADD COLUMN userid TEXT NOT NULL DEFAULT '';
    UPDATE turns SET userid = coalesce((SELECT userid FROM conversations WHERE id = conversation_id), '');
    -- All that is asked of running turns for each claim and beat: in the rows it stands behind logs of any length.
    CREATE INDEX turns_running ON turns (userid, owner, stop_requested, turn_id, over_at) WHERE over_at IS NULL;
    """,
    _casefold_titles,
    """
    -- Until when somebody follows the turn from another process.
    ALTER TABLE turns ADD COLUMN followed_until INTEGER;
    DROP INDEX turns_running;
    CREATE INDEX turns_running ON turns (userid, owner, stop_requested, followed_until, turn_id, over_at)
        WHERE over_at IS NULL;
    """,
    """
    -- What was spent in a day (UTC, counted from 1970) by turns that are over. Running ones have theirs in their rows.
    CREATE TABLE usage (
        userid TEXT NOT NULL,
        day INTEGER NOT NULL,
        turns INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        images INTEGER NOT NULL,
        PRIMARY KEY (userid, day)
    ) WITHOUT ROWID;
    ALTER TABLE turns ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE turns ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE turns ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
    DROP INDEX turns_running;
    CREATE INDEX turns_running ON turns (
        userid, owner, stop_requested, followed_until, turn_id, over_at, started_at,
        input_tokens, output_tokens, images
    ) WHERE over_at IS NULL;
    """,
    _measure_images,
    "CREATE INDEX turns_by_id ON turns (turn_id);",
    "ALTER TABLE files ADD COLUMN notice TEXT;",
    """
    -- Where an index has copies of the file's passages, and of which embedding model their vectors are.
    ALTER TABLE files ADD COLUMN copied_as TEXT NOT NULL DEFAULT '';
    """,
    # Nothing here: the saver's database has a row for each turn from now on, and a version before would read none.
    "SELECT 1;",
    """
    -- What documents and searches in them took.
    ALTER TABLE usage ADD COLUMN embedding_tokens INTEGER NOT NULL DEFAULT 0;
    """,
    """
    -- What requests have of the history: see `exchanges`.
    CREATE TABLE numbers (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id TEXT NOT NULL UNIQUE
    );
    CREATE TABLE exchanges (
        key INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        shape TEXT NOT NULL,
        digest INTEGER,
        message_ids TEXT NOT NULL,
        wire BLOB
    );
    """,
    """
    -- In place of `said`, in which a row of a kilobyte takes a page of its own.
    CREATE TABLE words (
        key INTEGER PRIMARY KEY,
        text TEXT NOT NULL
    );
    """,
    """
    -- Whether the last answer waits for its client. A turn that goes on with one is not counted again.
    ALTER TABLE conversations ADD COLUMN is_waiting BOOLEAN NOT NULL DEFAULT FALSE;
    ALTER TABLE turns ADD COLUMN turns INTEGER NOT NULL DEFAULT 1;
    DROP INDEX turns_running;
    CREATE INDEX turns_running ON turns (
        userid, owner, stop_requested, followed_until, turn_id, over_at, started_at,
        turns, input_tokens, output_tokens, images
    ) WHERE over_at IS NULL;
    """,
    _place_images,
)
