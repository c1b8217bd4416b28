"""Several processes on one listening socket: started, replaced when they die, ended together.

A worker is forked before anything heavy is imported, so that it costs no more to start than a process of its own.
It is told to drain by SIGTERM, however often that comes (a terminal or a service manager signals every process
beside their parent), and to end at once by the end of its lifeline: a pipe that the parent closes on a second signal,
and that the kernel closes when the parent dies.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger("mockbackend")

BAD_SETTINGS = 2
# A worker that dies younger than this many seconds could not start, and the next one waits a little.
YOUNG = 5.0
BACK_OFF = 1.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)

Work = Callable[[socket.socket, int], int]


def supervise(count: int, listening: socket.socket, work: Work) -> int:
    """Keep `count` processes at `work(listening, lifeline)` until SIGTERM or SIGINT; gives the exit status."""
    return _Supervisor(count, listening, work).run()


class _Supervisor:
    def __init__(self, count: int, listening: socket.socket, work: Work) -> None:
        self._count = count
        self._listening = listening
        self._work = work
        self._lifeline, self._lifeline_end = os.pipe()
        self._started: dict[int, float] = {}
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        for _ in range(self._count):
            self._start()
        while self._started:
            pid, status = os.wait()
            # As process 1 of a container we are also given orphans that were never ours.
            if pid in self._started:
                self._ended(pid, os.waitstatus_to_exitcode(status))
        return self._status

    def _start(self, delay: float = 0.0) -> None:
        # A signal between fork and table would miss the new worker, or run the parent's handler within it.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if pid == 0:
            os.close(self._lifeline_end)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            time.sleep(delay)
            sys.exit(self._work(self._listening, self._lifeline))
        self._started[pid] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _ended(self, pid: int, status: int) -> None:
        age = time.monotonic() - self._started.pop(pid)
        if self._stopping:
            return
        if status == BAD_SETTINGS:
            self._status = status
            self._stop()
            return
        log.warning("worker %d ended with status %d and is replaced", pid, status)
        self._start(BACK_OFF if age < YOUNG else 0.0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            os.close(self._lifeline_end)
            # The lifeline is cut; a third signal has nothing left to do.
            for again in SIGNALS:
                signal.signal(again, signal.SIG_IGN)
        else:
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        # Once the last worker has closed its own, a connection is refused rather than left waiting in ours.
        self._listening.close()
        for pid in self._started:
            os.kill(pid, signal.SIGTERM)
