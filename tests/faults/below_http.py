"""What must hold of a turn whose model API sends exact bytes, on either wire."""

from __future__ import annotations

from tests.faults.raw_rows import RawRow
from tests.harness.answers import chat
from tests.harness.api import stored
from tests.harness.raw_model import RawUpstream
from tests.harness.service import Server, log_of


async def meets(server: Server, upstream: RawUpstream, row: RawRow) -> None:
    """Trouble is at most one error, and the conversation continues."""
    name = row.name
    async with server.client() as client:
        answer = await chat(client, {"message": name})
        assert [row.says in error for error in answer.errors if row.says] == [True] * (row.says is not None)
        assert len(answer.errors) == (row.says is not None)
        assert answer.codes.endswith("3ed" if row.says else "ed")
        assert answer.values("d")[0]["finishReason"] == row.finish
        assert upstream.count(name) == row.tries
        for inside in ("secret-key", str(upstream.port), "127.0.0.1", "Traceback", "out of memory"):
            assert inside not in answer.body.decode()
        _, said = await stored(client, answer.conversation_id)
        assert said["content"] == answer.text == row.kept
        assert ("annotations" in said) == (row.says is not None)
        again = await chat(client, {"id": answer.conversation_id, "message": "And then?"})
        assert (again.text, again.errors) == ("fine", [])
    log = log_of(server, answer.headers["x-request-id"])
    assert "Traceback" not in log
