"""The write-ahead logs of the two databases that turns write, put into the databases while no turn runs.

SQLite does that with the commit that makes a log long. That waits for the disk, four times in all, and behind it on the
database's thread wait the turns that begin and end. So the logs may grow while turns run, as far as SQLite lets
them by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from .claiming import Claiming
from .database import Database, Session

# Of 4 KB each: SQLite's own limit.
MOST_PAGES = 1000
# After this number of turns the metadata's log has about 128 pages; the saver's, after three times as many.
ENDS = 8
SAVER_ENDS = 3 * ENDS


class Tidying:
    """The logs of the metadata database and the saver's, which is used on the same thread."""

    def __init__(self, database: Database, saver: sqlite3.Connection, claiming: Claiming) -> None:
        self._database = database
        self._saver = saver
        self._claiming = claiming
        self._ending = self._ended = 0
        # How many turns had ended when each log was last put in.
        self._tidied = self._tidied_saver = 0
        database.post(self._let_grow)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """A turn ends in this context. Tidy up behind it if it is time, and no other turn begins, runs or ends."""
        self._ending += 1
        try:
            yield
        finally:
            self._ending -= 1
            self._ended += 1
        if self._ended - self._tidied >= ENDS and not self._ending and not self._claiming.is_busy:
            self._tidied = self._ended
            self._database.post(self._tidy)

    def _let_grow(self, session: Session) -> None:
        limit = f"PRAGMA wal_autocheckpoint={MOST_PAGES}"
        session.execute(limit)
        self._saver.execute(limit)

    def _tidy(self, session: Session) -> None:
        # A passive one: it waits for no reader and no writer of another process.
        session.execute("PRAGMA wal_checkpoint")
        if self._ended - self._tidied_saver >= SAVER_ENDS:
            self._tidied_saver = self._ended
            self._saver.execute("PRAGMA wal_checkpoint").close()
