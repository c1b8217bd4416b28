"""A program that runs beside the service: started once it serves, given its signals, ended with it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Mapping

# What is passed on to the program.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# Python ignores these; a program should not.
IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
# For a program to end by itself once this process has been killed.
GRACE_SECONDS = 1.0
NOT_EXECUTABLE, NOT_FOUND = 126, 127
STDIN, LAST_STANDARD, MAX_DESCRIPTORS = 0, 2, 4096

# The program has a process group of its own, so that one signal reaches all that it has started: `npm test` is three
# processes. It gets each signal once, through this process. On a terminal its group becomes the one in the foreground,
# as a shell would make it: Ctrl-C and Ctrl-Z go to the program alone. When it stops, so does this process, which gives
# the terminal back to the shell meanwhile.
#
# SIGKILL runs no handler. So a guard waits for the end of the lifeline, which the kernel closes when this process dies,
# and ends the group. The guard is a fork of this process, which has one thread. It keeps no output open, since a reader
# of them may wait for their end, and is in a session of its own, since a whole group may be killed.


def find_problem(arguments: list[str]) -> tuple[int, str] | None:
    """The exit status and the words for a program that cannot be started, both as a shell has them."""
    name = arguments[0]
    if shutil.which(name):
        return None
    if os.sep in name and os.path.exists(name):
        return NOT_EXECUTABLE, f"{name} is not a program; make it executable"
    return NOT_FOUND, f"{name} was not found; check its name, and PATH"


class Command:
    """The program with these arguments, and with these variables beside those of this process."""

    def __init__(self, arguments: list[str], variables: Mapping[str, str]) -> None:
        self._arguments = arguments
        self._variables = variables
        self._has_terminal = False
        self._guard = 0
        self.pid = 0

    def start(self, lifeline: int) -> None:
        """Start it, and its guard, which watches this descriptor. Raises OSError."""
        self._has_terminal = _is_in_foreground()
        # First, so that it cannot come too late.
        reading, writing = os.pipe()
        self._guard = os.fork()
        if self._guard == 0:
            os.close(writing)
            try:
                _guard(lifeline, reading)
            finally:
                os._exit(0)
        os.close(reading)
        environment = {**os.environ, **self._variables}
        name = self._arguments[0]
        try:
            self.pid = os.posix_spawnp(
                name, self._arguments, environment, setpgroup=0, setsigmask=(), setsigdef=IGNORED
            )
            os.write(writing, b"%d" % self.pid)
        finally:
            os.close(writing)
        if self._has_terminal:
            _give_terminal(self.pid)

    def send(self, number: int) -> None:
        """Pass a signal on to it and to all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def stopped(self, number: int) -> None:
        """Stop this process as well, if that is what the user of the terminal wants."""
        if not self._has_terminal:
            return
        # It may have asked for the terminal before it had it.
        if number not in (signal.SIGTTIN, signal.SIGTTOU):
            _give_terminal(os.getpgrp())
            os.kill(os.getpid(), signal.SIGSTOP)
        _give_terminal(self.pid)
        self.send(signal.SIGCONT)

    def ended(self, status: int) -> int:
        """Clear up after its end, and return its exit status as a shell has it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._guard, signal.SIGKILL)
        if self._has_terminal:
            _give_terminal(os.getpgrp())
        return 128 - status if status < 0 else status


def _is_in_foreground() -> bool:
    """Whether standard input is a terminal whose keys send their signals to this process."""
    try:
        return os.tcgetpgrp(STDIN) == os.getpgrp()
    except OSError:
        return False


def _give_terminal(group: int) -> None:
    # From the background this would stop the process.
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.tcsetpgrp(STDIN, group)
    signal.signal(signal.SIGTTOU, before)


def _guard(lifeline: int, group_pipe: int) -> None:
    """Read the group from this pipe, wait for the end of the lifeline, and end the group."""
    os.setsid()
    named = os.read(group_pipe, 32)
    kept = LAST_STANDARD + 1
    os.dup2(lifeline, kept)
    os.closerange(kept + 1, MAX_DESCRIPTORS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(kept):
        os.dup2(nowhere, descriptor)
    # The workers' event loops have made it one that does not wait when it is read.
    select.select([kept], [], [])
    # No name came if the program could not be started.
    with contextlib.suppress(ProcessLookupError, ValueError):
        group = int(named)
        os.killpg(group, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < until:
            time.sleep(0.02)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)
