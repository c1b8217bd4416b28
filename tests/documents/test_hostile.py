"""Documents that are broken or mean harm: each fails alone, in words, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from mockbackend.documents.extraction import Limits, extract
from mockbackend.documents.kinds import Kind, Unreadable
from tests.documents import making
from tests.documents.making import SAMPLES
from tests.running import ROOT

MB = 1 << 20
LIMITS = Limits(seconds=30, memory_bytes=300 * MB, pages=100, characters=1_000_000)
PARAGRAPH = b"<w:p><w:r><w:t>The keeper lit the lamp.</w:t></w:r></w:p>"

DAMAGED = "The file is damaged, or is not what its name says."
ENCRYPTED = "The file is encrypted: upload it without its password."
ENTITIES = "The file declares XML entities, which no Office file needs."
LONG = "The file has more than 1,000,000 characters of text."
MEMORY = "The file needs more memory to read than is allowed."
NESTED = "The file is nested too deeply."
NO_TEXT = "The file holds no text."


def children() -> set[int]:
    """The processes that this one has started and that are not reaped yet."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


async def refusal(path: Path, kind: Kind, limits: Limits = LIMITS) -> str:
    """The words with which a file is refused; nothing is left over, and nothing was written."""
    before, files = children(), set(path.parent.iterdir())
    with pytest.raises(Unreadable) as refused:
        await extract(path, kind, limits)
    assert children() <= before, "a process is left over"
    assert set(path.parent.iterdir()) == files, "a file is left over"
    return str(refused.value)


def content(made: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "file"
        path.write_bytes(made)
        return path

    return make


def entities(folder: Path) -> Path:
    nested = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE w:document [<!ENTITY e0 "lol">{nested}]>'.encode()
    return making.word(folder / "file", b"<w:p><w:r><w:t>&e9;</w:t></w:r></w:p>", head)


def outside_entity(folder: Path) -> Path:
    head = b'<!DOCTYPE w:document [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return making.word(folder / "file", b"<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", head)


def many_parts(folder: Path) -> Path:
    return making.zipped(folder / "file", {f"word/{number}": b"" for number in range(20_001)})


def encrypted_part(folder: Path) -> Path:
    path = making.word(folder / "file", PARAGRAPH)
    data = bytearray(path.read_bytes())
    # The flag of each entry in the directory at the end.
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    return path


def far_cell(folder: Path) -> Path:
    with xlsxwriter.Workbook(str(folder / "file")) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "z")
    return folder / "file"


def one_string_everywhere(folder: Path) -> Path:
    with xlsxwriter.Workbook(str(folder / "file")) as book:
        sheet = book.add_worksheet()
        for row in range(30_000):
            sheet.write(row, 0, "x" * 30_000)
    return folder / "file"


def many_sheets(folder: Path) -> Path:
    with xlsxwriter.Workbook(str(folder / "file")) as book:
        for _ in range(101):
            book.add_worksheet()
    return folder / "file"


def packed_oddly(folder: Path) -> Path:
    return making.zipped(folder / "file", {"word/document.xml": b" " * MB}, zipfile.ZIP_BZIP2)


CASES: dict[str, tuple[Kind, Callable[[Path], Path], str]] = {
    "encrypted-pdf": ("pdf", lambda folder: making.pdf(folder / "file", ["secret"], encrypted=True), ENCRYPTED),
    "encrypted-pdf-of-libreoffice": ("pdf", lambda _: SAMPLES / "encrypted.pdf", ENCRYPTED),
    "pdf-of-10000-pages": (
        "pdf",
        lambda folder: making.pdf(folder / "file", ["a"], count=10_000),
        "The file has more than 100 pages.",
    ),
    "pdf-without-text": (
        "pdf",
        lambda folder: making.pdf(folder / "file", [""]),
        "The file holds no text. If it is a scan, run text recognition on it first.",
    ),
    "pdf-of-nothing": ("pdf", content(b"%PDF-1.7\n"), DAMAGED),
    "pdf-that-unpacks-to-400-mb": ("pdf", lambda folder: making.bomb_pdf(folder / "file", b" " * MB, 400), MEMORY),
    "pdf-of-a-million-words": (
        "pdf",
        lambda folder: making.bomb_pdf(folder / "file", b"BT /F1 9 Tf 50 800 Td (lamp) Tj ET\n" * 10_000, 200),
        MEMORY,
    ),
    "docx-of-nothing": ("docx", content(b"PK\x03\x04"), DAMAGED),
    "xlsx-named-docx": ("docx", lambda _: SAMPLES / "excel.xlsx", "The file is named .docx but is none."),
    "zip-named-pptx": (
        "pptx",
        lambda folder: making.zipped(folder / "file", {"a.txt": b"a"}),
        "The file is named .pptx but is none.",
    ),
    "docx-that-unpacks-to-200-mb": (
        "docx",
        lambda folder: making.zipped(folder / "file", {"word/document.xml": b" " * (200 * MB)}),
        "The file unpacks to more than 150 MB.",
    ),
    "docx-that-says-it-unpacks-to-1-kb": (
        "docx",
        lambda folder: making.lying(making.zipped(folder / "file", {"word/document.xml": b" " * (9 * MB)}), 1024),
        DAMAGED,
    ),
    "docx-that-fits-and-whose-tree-does-not": (
        "docx",
        lambda folder: making.word(folder / "file", PARAGRAPH * 1_000_000),
        MEMORY,
    ),
    "docx-of-many-parts": ("docx", many_parts, "The file is packed from more than 20,000 parts."),
    "docx-packed-oddly": ("docx", packed_oddly, "The file is packed in a way that Office does not use."),
    "docx-with-an-encrypted-part": ("docx", encrypted_part, ENCRYPTED),
    "docx-with-an-entity-bomb": ("docx", entities, ENTITIES),
    "docx-that-asks-for-a-file-of-ours": ("docx", outside_entity, ENTITIES),
    "docx-nested-deeply": (
        "docx",
        lambda folder: making.word(folder / "file", b"<w:ins>" * 200_000 + b"</w:ins>" * 200_000),
        NESTED,
    ),
    "docx-without-text": ("docx", lambda folder: making.word(folder / "file", b"<w:p/>"), NO_TEXT),
    "docx-of-too-much-text": ("docx", lambda folder: making.word(folder / "file", PARAGRAPH * 50_000), LONG),
    "xlsx-with-a-cell-far-away": ("xlsx", far_cell, MEMORY),
    "xlsx-with-one-string-everywhere": ("xlsx", one_string_everywhere, MEMORY),
    "xlsx-of-many-sheets": ("xlsx", many_sheets, "The file has more than 100 sheets."),
    "encrypted-xlsx": ("xlsx", lambda _: SAMPLES / "encrypted.xlsx", DAMAGED),
    "html-of-200000-nested-tags": ("html", content(b"<div>" * 200_000), NESTED),
    "html-of-200000-nested-tables": ("html", content(b"<table><tr><td>" * 200_000), NESTED),
    "html-without-text": ("html", content(b"<script>alert(1)</script>"), NO_TEXT),
    "text-of-white-space": ("text", content(b" \n\t " * 1000), NO_TEXT),
    "binary-text": ("text", content(b"a\0b"), "The file is binary, not text."),
    "binary-markdown": ("markdown", content(b"\x7fELF\0"), "The file is binary, not text."),
    "markdown-of-too-many-sections": (
        "markdown",
        content(b"# a\n\nb\n\n# c\n\nd\n\n" * 110_000),
        "The file has more than 200,000 sections.",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_hostile_file_fails_alone_with_a_reason(case: str, tmp_path: Path) -> None:
    kind, make, words = CASES[case]
    assert await refusal(make(tmp_path), kind) == words


@pytest.fixture(scope="module")
def one_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of one line of 1 GB."""
    path = tmp_path_factory.mktemp("line") / "file"
    with path.open("wb") as file:
        for _ in range(1024):
            file.write(b"a" * MB)
    yield path
    path.unlink()


@pytest.mark.parametrize(
    ("kind", "words"), [("text", LONG), ("csv", LONG), ("markdown", LONG), ("html", MEMORY), ("pdf", DAMAGED)]
)
async def test_a_line_of_1_gb_is_refused_soon(one_line: Path, kind: Kind, words: str) -> None:
    started = time.monotonic()
    assert await refusal(one_line, kind) == words
    assert time.monotonic() - started < 10


def whole(kind: Kind, folder: Path) -> Path:
    if kind == "pdf":
        return making.pdf(folder / "file", ["The keeper"] * 30)
    sample = {"docx": "word.docx", "pptx": "powerpoint.pptx", "xlsx": "excel.xlsx"}[kind]
    return content((SAMPLES / sample).read_bytes())(folder)


@pytest.mark.parametrize("kind", ["pdf", "docx", "pptx", "xlsx"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
async def test_a_file_cut_short_is_called_damaged(kind: Kind, part: float, tmp_path: Path) -> None:
    path = whole(kind, tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    assert await refusal(path, kind) == DAMAGED


@pytest.mark.parametrize("kind", ["pdf", "docx", "pptx", "xlsx"])
async def test_a_file_with_a_hole_is_read_or_called_damaged(kind: Kind, tmp_path: Path) -> None:
    path = whole(kind, tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    if kind == "pdf":
        # The pages that are whole.
        assert 10 <= len(await extract(path, kind, LIMITS)) < 30
    else:
        assert await refusal(path, kind) == DAMAGED


async def test_invalid_utf8_is_read_as_far_as_it_is_text(tmp_path: Path) -> None:
    (block,) = await extract(content(b"caf\xe9 \xff\x81\xc3( end")(tmp_path), "text", LIMITS)
    assert block.text == "café ÿ\ufffdÃ( end"


@asynccontextmanager
async def reading(folder: Path, limits: Limits = LIMITS) -> AsyncIterator[tuple[asyncio.Task[str], int]]:
    """A file that never comes to its end, and the process that reads it."""
    path = folder / "endless"
    os.mkfifo(path)
    before = children()
    task = asyncio.create_task(refusal(path, "text", limits))
    try:
        # It opens once the other side does: then the process has set its limits.
        writer = await asyncio.to_thread(os.open, path, os.O_WRONLY)
        (pid,) = children() - before
        yield task, pid
        os.close(writer)
    finally:
        task.cancel()


async def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    started = time.monotonic()
    async with reading(tmp_path, Limits(1.5, 300 * MB, 10, 1000)) as (task, _):
        assert await task == "The file took longer than 1.5 seconds to read."
    assert time.monotonic() - started < 3


async def test_a_reading_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    async with reading(tmp_path) as (task, pid):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pid not in children()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "The file makes its reader crash: it is probably damaged."),
        (signal.SIGABRT, MEMORY),
        (signal.SIGKILL, MEMORY),
        (signal.SIGXCPU, "The file took longer than 30 seconds to read."),
    ],
)
async def test_a_reader_that_dies_is_told_by_how_it_died(tmp_path: Path, number: signal.Signals, words: str) -> None:
    async with reading(tmp_path) as (task, pid):
        os.kill(pid, number)
        assert await task == words


async def test_the_reader_has_limits_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "sesame")
    async with reading(tmp_path) as (_, pid):
        process = Path(f"/proc/{pid}")
        assert {line.partition(b"=")[0] for line in (process / "environ").read_bytes().split(b"\0")} <= {
            b"PYTHONPATH",
            b"LC_CTYPE",
            b"",
        }
        limits = {line[:25].strip(): line[26:].split()[:2] for line in (process / "limits").read_text().splitlines()}
        assert limits["Max address space"] == [str(300 * MB)] * 2
        assert limits["Max cpu time"] == ["31", "32"]
        assert limits["Max file size"] == ["0", "0"]
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max open files"] == ["64", "64"]
        assert os.getpgid(pid) == pid, "it has a group of its own"
        assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
        assert os.readlink(process / "fd/0") == os.devnull


def test_the_reader_dies_with_the_service(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    os.mkfifo(path)
    program = f"""
        import asyncio
        from pathlib import Path
        from mockbackend.documents.extraction import Limits, extract
        asyncio.run(extract(Path({str(path)!r}), "text", Limits(60, 1 << 30, 10, 1000)))
    """
    service = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT)
    writer = os.open(path, os.O_WRONLY)
    service.kill()
    service.wait()
    # A pipe tells when the last process that reads from it is gone.
    poll = select.poll()
    poll.register(writer, 0)
    assert poll.poll(10_000) == [(writer, select.POLLERR)]
    os.close(writer)


async def test_no_reading_holds_up_the_event_loop(tmp_path: Path) -> None:
    page = "\n".join([making.SENTENCE] * 50)
    path = making.pdf(tmp_path / "a.pdf", [f"{page}\n{number}" for number in range(300)])
    gaps: list[float] = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last - 0.001)
            last = now

    ticking = asyncio.create_task(tick())
    blocks = await extract(path, "pdf", Limits(30, 1 << 30, 300, 10_000_000))
    ticking.cancel()
    assert [block.place for block in blocks] == [f"page {number}" for number in range(1, 301)]
    print(f"largest gap {max(gaps) * 1000:.1f} ms of {len(gaps)}")
    assert max(gaps) < 0.1
