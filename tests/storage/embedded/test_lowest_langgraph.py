"""The lowest versions of LangGraph and its saver that we allow read what we write."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockbackend.storage.embedded import checkpoints
from mockbackend.storage.embedded.checkpoints import Checkpoints
from tests.harness.lowest import lowest, run_with
from tests.storage.embedded.test_checkpoints import message


@pytest.mark.slow
def test_the_lowest_versions_read_a_conversation_whole(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    for base, words in ((0, "ab"), (2, "cd"), (4, "ef"), (3, "gh")):
        saver.write("a", base, [message(word) for word in words])
    saver.conn.close()
    versions = lowest("langgraph", "langgraph-checkpoint-sqlite")
    read = run_with(versions, "tests.storage.embedded.read_thread", str(path), "a")
    assert read == [list(versions.values()), list("abcgh")]
