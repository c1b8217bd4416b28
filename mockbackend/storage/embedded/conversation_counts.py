"""How many conversations a user has, without a count of all of them for each new one.

A count reads the user's whole index: half a millisecond for 10,000. While no other process writes, a user has at most
what was counted, and those that were made here since.
"""

from __future__ import annotations

from collections import OrderedDict

from ..values import TooManyConversations
from .sqlite import Execute

# Fewer are counted in no time.
MANY = 200
MOST_USERS = 1000


class ConversationCounts:
    """The users of this process that have many conversations; for one connection."""

    def __init__(self) -> None:
        # The version of the database, and how many conversations the user has at most in it.
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def add(self, execute: Execute, userid: str, limit: int) -> None:
        """Count a conversation that this transaction has made. Raises TooManyConversations beyond the limit."""
        version, most = self._known.pop(userid, (None, 0))
        if version is not None and most < limit and version == _version(execute):
            most += 1
        else:
            # An index has them all, those that are being deleted included.
            [(most,)] = execute("SELECT count(*) FROM conversations WHERE userid = ?", userid)
            if most > limit:
                raise TooManyConversations
            if most < MANY:
                return
            version = _version(execute)
        self._known[userid] = version, most
        if len(self._known) > MOST_USERS:
            self._known.popitem(last=False)


def _version(execute: Execute) -> int:
    """What changes when another connection writes, be it conversations or not."""
    [(version,)] = execute("PRAGMA data_version")
    found: int = version
    return found
