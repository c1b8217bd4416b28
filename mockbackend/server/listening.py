"""The socket that the service listens on, opened before anything slow is imported.

A port in use is then reported at once, and early connections wait instead of failing.
"""

from __future__ import annotations

import errno
import socket
import sys

BACKLOG = 1024


def listen(host: str, port: int, option: str) -> socket.socket | None:
    """Listen there, or print why that is impossible, and what to do. `option` is what sets the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        print(f"cannot listen on {host}:{port}: {reason}{_remedy(error, option)}", file=sys.stderr)
        return None


def _remedy(error: OSError, option: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"; end the program that uses it, or choose another port with {option}"
        case errno.EACCES:
            return f"; choose a port above 1023 with {option}"
    return ""
