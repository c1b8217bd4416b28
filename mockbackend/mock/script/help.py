"""What `/mock help` answers: all that can be asked, made from the tables."""

from typing import Any

from msgspec import to_builtins

from .corners import CORNERS
from .wire import MEANINGS, Wire

HEAD = """\
A line at the start of a message asks for a fault of this answer; what follows it is the message that is answered:

    /mock cut 3
    Tell me about Oslo.

Several can stand together: `/mock status 429 retry_after 1`, `/mock silence after 3 seconds 5`. The header
`X-Mock: cut=3` on a request does the same.

**On the wire**, where a line is one frame of the stream:
"""
CORNERS_HEAD = """
**Corners**, what is seen in the wild: `/mock corner NAME`. What stands beside a corner changes it.
"""


def all_that_can_be_asked() -> dict[str, dict[str, Any]]:
    """The same for programs: what each key of `wire` means, what each corner is and where it is seen."""
    corners = {
        name: {"wire" if isinstance(corner.value, Wire) else "fault": to_builtins(corner.value), "seen": corner.seen}
        for name, corner in CORNERS.items()
    }
    return {"wire": dict(MEANINGS), "corners": corners}


def help_text() -> str:
    """The list, as Markdown."""
    faults = [f"- `{key}`: {meaning}\n" for key, meaning in MEANINGS.items()]
    corners = [f"- `{name}`: {corner.seen}\n" for name, corner in CORNERS.items()]
    return "".join([HEAD, "\n", *faults, CORNERS_HEAD, "\n", *corners])
