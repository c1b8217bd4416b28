"""HTML, Markdown, CSV and plain text: what a reader sees, in whatever encoding."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockbackend.documents.extraction import Limits, extract
from mockbackend.documents.formats import FORMATS
from mockbackend.storage.passages import Passage
from tests.documents.extractor.in_process import read, read_text
from tests.harness.processes import ROOT


def test_html_gives_what_a_reader_sees(tmp_path: Path) -> None:
    page = """<!doctype html><title>Site</title><script>var no = "<h1>No</h1>"</script><style>no {}</style>
        <nav><a href=/>Home</a></nav><h1>The <em>light</em>house</h1>
        <p>Salt &amp; spray, caf&eacute; &lt;b&gt;,<br>and<b>bold</b> <!-- no -->text.
        <template>no</template><noscript>no</noscript>
        <h2>Keepers</h2><ul><li>oil<li>wicks</ul><pre>if a:
    b</pre><table><tr><th>Name<th>Years<tr><td>Muirgen<td><p>40</p></table>
<h3>Alone</h3><h2>Lens</h2><div>It turns.</div>"""
    assert read_text(tmp_path, "html", page) == [
        Passage("Salt & spray, café <b>,\nandbold text.", "", "The lighthouse"),
        Passage("- oil\n\n- wicks\n\nif a:\n    b\n\nName | Years\n\nMuirgen | 40", "", "The lighthouse > Keepers"),
        Passage("Alone", "", "The lighthouse > Keepers"),
        Passage("It turns.", "", "The lighthouse > Lens"),
    ]


def test_the_title_of_a_page_without_a_first_heading_is_its_heading(tmp_path: Path) -> None:
    blocks = read_text(tmp_path, "html", "<title>Keepers</title><p>Three.<h2>Names</h2><p>Muirgen.")
    assert blocks == [Passage("Three.", "", "Keepers"), Passage("Muirgen.", "", "Keepers > Names")]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>café ☼".encode(), "café ☼"),
        ("<p>café ☼".encode("utf-8-sig"), "café ☼"),
        ("<p>café ☼".encode("utf-16"), "café ☼"),
        ("<p>café €".encode("cp1252"), "café €"),
        ('<meta charset="koi8-r"><p>маяк'.encode("koi8-r"), "маяк"),
        ('<meta http-equiv=x content="text/html; charset=shift_jis"><p>灯台'.encode("shift_jis"), "灯台"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><p>Łódź'.encode("iso8859-2"), "Łódź"),
        ('<meta charset="iso-8859-1"><p>“quoted”'.encode("cp1252"), "“quoted”"),
        ('<meta charset="no-such"><p>café'.encode(), "café"),
        ('<meta charset="rot13"><p>café'.encode(), "café"),
    ],
    ids=repr,
)
def test_a_page_is_read_in_its_encoding(tmp_path: Path, content: bytes, text: str) -> None:
    assert read_text(tmp_path, "html", content) == [Passage(text)]


def test_markdown_gives_its_headings_and_keeps_code_whole(tmp_path: Path) -> None:
    page = """---
title: Log
---
Before.

# The `light`house ##
It stands
here.
```sh
# no heading

---
```
Keepers of [the](http://x) log
-----
- oil
---
    # code
#nothing

## Empty

Lens
====
It turns.
"""
    assert read_text(tmp_path, "markdown", page) == [
        Passage("title: Log\n\nBefore."),
        Passage("It stands\nhere.\n\n```sh\n# no heading\n\n---\n```", "", "The lighthouse"),
        Passage("- oil\n---\n    # code\n#nothing", "", "The lighthouse > Keepers of the log"),
        Passage("Empty", "", "The lighthouse"),
        Passage("It turns.", "", "Lens"),
    ]


def test_our_own_readme_is_read() -> None:
    blocks = read(ROOT / "README.md", "markdown")
    assert {block.heading.split(" > ")[0] for block in blocks} == {"Mock Backend"}
    assert any(block.heading.endswith("> The page") for block in blocks)
    assert not any(block.text.startswith("#") for block in blocks)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"caf\xc3\xa9\r\n\r\n\r\nsecond", "café\n\nsecond"),
        ("café".encode("utf-8-sig"), "café"),
        ("café ☼".encode("utf-16"), "café ☼"),
        ("\ufeffcafé".encode("utf-16-be"), "café"),
        ("café €".encode("cp1252"), "café €"),
        ("naïve café, été, half of a character ☼".encode()[:-1], "naïve café, été, half of a character \ufffd"),
        ("soft\u00adhyphen\x07".encode(), "softhyphen"),
    ],
    ids=repr,
)
def test_text_is_read_in_its_encoding(tmp_path: Path, content: bytes, text: str) -> None:
    assert read_text(tmp_path, "text", content) == [Passage(text)]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('Name,Note\nAda,"a, b"\nBob,"two\nlines"\n', "Ada | a, b\n\nBob | two lines"),
        ("Name;Note\nAda;1,5\nBob;2,5\n", "Ada | 1,5\n\nBob | 2,5"),
        ("Name\tNote\nAda\tx\n", "Ada | x"),
        ("\ufeffName,Note\r\nAda,x\r\n\r\n", "Ada | x"),
    ],
)
def test_csv_gives_rows_under_the_names_of_their_columns(tmp_path: Path, content: str, text: str) -> None:
    (block,) = read_text(tmp_path, "csv", content)
    assert (block.text, block.heading) == (text, "Name | Note")
    assert block.place in ("row 2", "rows 2-3")


async def test_a_long_page_takes_the_time_of_its_length(tmp_path: Path) -> None:
    # To compare its nodes with each other takes 18 s of CPU.
    texts = [f"Paragraph {number} of the page." for number in range(2000)]
    (tmp_path / "file").write_text("".join(f"<p>Paragraph {n} of <b>the</b> page." for n in range(2000)))
    quick = Limits(seconds=6, memory_bytes=1 << 30, pages=1000, characters=1_000_000)
    blocks = (await extract(tmp_path / "file", FORMATS["html"], quick)).blocks
    assert "\n\n".join(block.text for block in blocks) == "\n\n".join(texts)


def test_csv_without_names_is_rows_alone(tmp_path: Path) -> None:
    assert read_text(tmp_path, "csv", "1,2\n3,4\n") == [Passage("1 | 2\n\n3 | 4", "rows 1-2")]


def test_a_heading_that_is_a_whole_paragraph_is_cut_and_its_text_kept(tmp_path: Path) -> None:
    title = "A title that goes on " * 20
    (block,) = read_text(tmp_path, "markdown", f"# {title}")
    assert block.text == title.strip()
    assert len(block.heading) <= 200
    assert block.heading.endswith("…")
