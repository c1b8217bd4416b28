"""What is kept of sealed reasoning, and how much."""

from __future__ import annotations

import pytest

from mockbackend.upstream.responses import sealed


def test_what_is_kept_anew_takes_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "MAX_BYTES", 10)
    kept = sealed.SealedReasoning()
    kept.keep("first", [{"encrypted_content": "1234"}])
    for _ in range(3):
        kept.keep("call_0", [{"encrypted_content": "1234"}])
    assert kept.before("first") == [{"encrypted_content": "1234"}]
    assert kept.before("call_0") == [{"encrypted_content": "1234"}]
