"""Several processes on one listening socket: forked after the imports, replaced when they die, ended together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from ..metrics import SharedRegions

log = logging.getLogger("mockbackend")

BAD_SETTINGS = 2
# What a worker waits before it starts where two before it have died without serving.
BACK_OFF = 1.0
# So many in a row, and none has ever served: whatever it is, it will not pass.
MAX_FAILED_STARTS = 5
SIGNALS = (signal.SIGTERM, signal.SIGINT)

# How signals, forks and pipes work together. It is easy to break, so here is why each part is as it is.
#
# SIGTERM and SIGINT go to the parent, which passes them on as SIGTERM. But service managers and terminals signal every
# process of the group, so a worker gets each signal once or twice and cannot count them: to a worker every SIGTERM
# means "drain", and it ignores SIGINT. Only the parent counts. The first signal drains, the second one ends the workers
# at once, and from then on signals are ignored, since nothing is left to hurry. A process that serves alone has no
# parent and counts for itself: `drain` holds both rules.
#
# "At once" cannot be a signal, for the reason above. It is the end of the lifeline: a pipe of which the parent alone
# holds the writing end. It closes that end on the second signal, and the kernel closes it when the parent dies, even by
# SIGKILL, so that no worker outlives its parent. Each worker must close its copy of the writing end first of all.
#
# Each worker has a pipe of its own as well, and writes one byte to it once it serves. That byte matters twice. At the
# start the parent waits for the first worker's before it forks the others: problems with the settings are then
# reported once, and a new data folder is set up by one process. The wait ends also if the worker dies, because only the
# worker holds the writing end. When a worker dies, the byte says whether it ever served. One that did is replaced at
# once, however young it was; after two failed starts in a row the next one waits, or they would fill the log; and if
# none has ever served, the parent gives up after a few.
#
# Forking needs care in both processes. A signal that came between `fork` and the entry in the table would not reach
# the new worker, so both signals are blocked until the entry is made. `pthread_sigmask` runs the handlers of signals
# that came before it, so `_stopping`, read after it, cannot change until they are unblocked. The worker must not run
# the parent's handlers: it replaces them before it unblocks. A SIGTERM before it serves just ends it, as it has nothing
# to drain. It begins as a copy of a process with one thread, no event loop and no open file but the log, the pipes and
# the listening socket. Threads would be missing in the copy with their locks held, and a database or connection would
# be shared, so all of that is opened after the fork.


@dataclass(frozen=True, slots=True)
class Parent:
    """What a worker knows of its parent: the two pipes, and whether no worker has served before it."""

    lifeline: int
    serving: int
    is_new: bool

    def report_serving(self) -> None:
        """Tell the parent that this worker takes connections."""
        # A parent that has just died has closed the lifeline too.
        with contextlib.suppress(BrokenPipeError):
            os.write(self.serving, b"1")


Work = Callable[[socket.socket, Parent], int]


@dataclass(slots=True)
class _Worker:
    serving: int
    place: int
    has_served: bool = False

    def wait_until_serving(self) -> bool:
        """Wait until it serves or has died, and return whether it ever served."""
        self.has_served = self.has_served or os.read(self.serving, 1) != b""
        return self.has_served


class Supervisor:
    """The parent of `count` processes, each at `work(listening, parent)`. It takes these signals."""

    def __init__(
        self, count: int, listening: socket.socket, work: Work, signals: Sequence[signal.Signals] = SIGNALS
    ) -> None:
        self._count = count
        self._listening = listening
        self._work = work
        self._signals = signals
        self._lifeline, self._lifeline_end = os.pipe()
        self._workers: dict[int, _Worker] = {}
        self._metrics = SharedRegions(count)
        self._failed_starts = 0
        self._has_served = False
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Keep them running until a signal, and return the exit status."""
        for number in self._signals:
            signal.signal(number, self._on_signal)
        self._start()
        while self._workers and not self._has_served:
            (first,) = self._workers.values()
            if first.wait_until_serving():
                self._has_served = True
                self._on_first_serving()
            else:
                self._reap()
        for _ in range(self._count - 1):
            self._start()
        while self._workers:
            self._reap()
        return self._status

    def _on_first_serving(self) -> None:
        """Do what waits for the first worker to serve."""

    @contextlib.contextmanager
    def _signals_blocked(self) -> Iterator[None]:
        signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)

    def _start(self, *, delay: float = 0.0) -> None:
        with self._signals_blocked():
            if self._stopping:
                return
            reading, writing = os.pipe()
            taken = {worker.place for worker in self._workers.values()}
            place = next(number for number in range(self._count) if number not in taken)
            pid = os.fork()
            if pid == 0:
                self._become_worker(reading)
                self._metrics.use(place)
                time.sleep(delay)
                sys.exit(self._work(self._listening, Parent(self._lifeline, writing, is_new=not self._has_served)))
            os.close(writing)
            self._workers[pid] = _Worker(reading, place)

    def _become_worker(self, reading: int) -> None:
        for fd in (self._lifeline_end, reading, *(other.serving for other in self._workers.values())):
            os.close(fd)
        # SIGTERM is never ignored, not for a moment: one that has come meanwhile would be lost.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number in self._signals:
            if number != signal.SIGTERM:
                signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)

    def _reap(self) -> None:
        pid, status = os.wait()
        # Process 1 of a container also inherits orphans that it never started.
        if pid in self._workers:
            self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, status: int) -> None:
        worker = self._workers.pop(pid)
        self._failed_starts = 0 if worker.wait_until_serving() else self._failed_starts + 1
        os.close(worker.serving)
        if self._stopping:
            return
        # Once one has served the settings are right: what ends a later one, such as a database that is away, may pass.
        if status == BAD_SETTINGS and not self._has_served:
            self._status = status
            self._stop()
            return
        if self._failed_starts == MAX_FAILED_STARTS and not self._has_served:
            log.error(
                "no worker could start: %d ended before they served, the last with status %d", MAX_FAILED_STARTS, status
            )
            self._status = 1
            self._stop()
            return
        log.warning("worker %d ended with status %d and is replaced", pid, status)
        self._start(delay=BACK_OFF if self._failed_starts > 1 else 0.0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            os.close(self._lifeline_end)
            for again in self._signals:
                signal.signal(again, signal.SIG_IGN)
        else:
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        # Once the last worker has closed its own, a connection is refused rather than left waiting in ours.
        self._listening.close()
        for pid in self._workers:
            # One that has just died may still be in the table.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
