"""What may be wrong with what is kept of an exchange, as statements: `one` is the row, `damaged` what bytes become."""

from __future__ import annotations

from typing import Literal

Damage = Literal["bytes", "row", "ids"]
DAMAGES: dict[Damage, str] = {
    "bytes": "UPDATE exchanges SET wire = {damaged} WHERE {one}",
    "row": "DELETE FROM exchanges WHERE {one}",
    "ids": "UPDATE exchanges SET message_ids = '[{{' WHERE {one}",
}
