"""The addresses of places in documents."""

from __future__ import annotations

import pytest

from mockbackend.events import Source
from mockbackend.protocol.links import Links
from mockbackend.protocol.sources import source_url


@pytest.mark.parametrize(
    ("place", "fragment"),
    [
        ("page 7", "#page=7"),
        ("slide 2", "#slide=2"),
        ("row 3", "#row=3"),
        ("rows 3-12", "#row=3-12"),
        ("sheet Sales", "#sheet=Sales"),
        ("sheet Sales & more, rows 3-12", "#sheet=Sales%20%26%20more&row=3-12"),
        ("sheet A, rows of B, row 3", "#sheet=A%2C%20rows%20of%20B&row=3"),
        ("", ""),
        ("Keepers > The lens", ""),
        ("footnotes", ""),
        ("page seven", ""),
    ],
)
def test_a_place_is_part_of_the_address(place: str, fragment: str) -> None:
    source = Source("f", "a", "text/plain", place)
    assert source_url(source, Links("https://host")) == f"https://host/files/f/content{fragment}"
