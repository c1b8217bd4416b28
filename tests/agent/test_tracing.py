"""Nothing of a conversation is traced, whatever the environment says."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.harness.answers import chat
from tests.harness.service import Server


async def test_conversations_go_to_the_model_and_to_nobody_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tracing:
        tracing.settimeout(0)
        address = f"http://127.0.0.1:{tracing.getsockname()[1]}"
        env = {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": address, "LANGSMITH_API_KEY": "k"}
        with Server(tmp_path, env) as server:
            async with server.client() as client:
                assert (await chat(client, {"message": "What time is it in Oslo?"})).values("a")
            # What is traced is sent from a thread, at the latest when the process ends.
            assert server.stop() == 0
        with pytest.raises(BlockingIOError):
            tracing.accept()
