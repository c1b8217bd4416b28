"""Documents of too much text: each is read up to the limit and says so, or refused soon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import orjson
import pytest

from mockbackend.documents.extraction import extract
from mockbackend.documents.extractor.__main__ import read as read_document
from mockbackend.documents.extractor.output import Output
from mockbackend.documents.formats import FORMATS
from tests.documents import sample_files
from tests.documents.extractor.in_process import read
from tests.documents.extractor.refusals import DAMAGED, LIMITS, MB, MEMORY, refusal
from tests.documents.sample_files import PARAGRAPH

LEFT_OUT = "Only the first 1,000,000 characters of the file are searched (MAX_DOCUMENT_CHARACTERS)."


@pytest.fixture(scope="module")
def one_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of one line of 1 GB."""
    path = tmp_path_factory.mktemp("line") / "file"
    with path.open("wb") as file:
        for _ in range(1024):
            file.write(b"a" * MB)
    yield path
    path.unlink()


@pytest.mark.parametrize("kind", ["text", "csv", "markdown"])
@pytest.mark.slow
async def test_a_line_of_1_gb_is_read_up_to_the_limit(one_line: Path, kind: str) -> None:
    started = time.monotonic()
    extracted = await extract(one_line, FORMATS[kind], LIMITS)
    assert sum(len(block.text) for block in extracted.blocks) == 1_000_000
    assert extracted.notice is not None
    assert extracted.notice.startswith(LEFT_OUT)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(("kind", "words"), [("html", MEMORY), ("pdf", DAMAGED)])
@pytest.mark.slow
async def test_a_line_of_1_gb_is_refused_soon(one_line: Path, kind: str, words: str) -> None:
    started = time.monotonic()
    assert await refusal(one_line, kind) == words
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("kind", ["docx", "csv", "text", "markdown"])
def test_a_file_of_too_much_text_is_read_up_to_the_limit(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if kind == "docx":
        sample_files.word(path, PARAGRAPH * 1_000)
    else:
        separator = "\n" if kind == "csv" else "\n\n"
        path.write_text(separator.join(f"lamp {number},wick {number}" for number in range(1000)))
    whole = read(path, kind)
    for characters in (1, 10, 999, 5_000):
        stream = BytesIO()
        limits = LIMITS._replace(characters=characters)
        read_document(FORMATS[kind], str(path), Output(stream, characters), limits)
        *blocks, end = map(orjson.loads, stream.getvalue().splitlines())
        text = "\n\n".join(block["text"] for block in blocks)
        assert 0 < len(text.replace("\n", "")) <= characters
        assert "\n\n".join(block.text for block in whole).startswith(text[:-20])
        assert end["notice"].startswith(f"Only the first {characters:,} characters of the file are searched")
        if kind == "csv":
            assert "What follows row" in end["notice"]
