"""The emulator's rooms: imports go down, and rooms side by side do not know each other."""

from __future__ import annotations

from tests.test_layers import imports_within

ROOMS = (
    ("embedded",),
    ("app",),
    ("models", "responses"),
    ("chat", "images", "embeddings", "search"),
    ("gateway",),
)
PREFIX = "mockbackend.emulator."


def test_no_import_of_a_room_points_up_or_aside() -> None:
    rank = {name: number for number, row in enumerate(ROOMS) for name in row}
    wrong = []
    for one in imports_within("emulator"):
        if one.source.startswith(PREFIX) and one.target.startswith(PREFIX):
            source, target = (module.removeprefix(PREFIX).split(".")[0] for module in (one.source, one.target))
            if source != target and rank[target] <= rank[source]:
                wrong.append(str(one))
    assert wrong == []
