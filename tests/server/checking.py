"""`mockbackend check` within the process that tests: the same command, without a process of its own."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from mockbackend.server.cli import main
from tests.harness.processes import environment


def check(folder: Path, settings: dict[str, str]) -> CompletedProcess[str]:
    """What `python -m mockbackend check` prints in this folder, and how it ends."""
    printed, said = StringIO(), StringIO()
    status: str | int | None = 0
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environment(settings), clear=True))
        stack.enter_context(chdir(folder))
        stack.enter_context(redirect_stdout(printed))
        stack.enter_context(redirect_stderr(said))
        # Without pytest's, warnings go to stderr.
        stack.enter_context(mock.patch.object(logging.getLogger(), "handlers", []))
        # The command sets its own.
        stack.callback(os.umask, os.umask(0o022))
        try:
            main(["check"])
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int), status
    return CompletedProcess(["check"], status, printed.getvalue(), said.getvalue())
