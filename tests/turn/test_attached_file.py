"""What an attached file is, whatever its sender's system calls it: text to the model, an image, or a clear refusal."""

from __future__ import annotations

import random
from typing import Any

import httpx2
import pytest

from tests.harness.answers import chat
from tests.harness.api import data_url, png
from tests.harness.world import World

WORDS = "Grüße, 世界\r\n1;2"
UTF8 = WORDS.encode()
CSV, VIDEO, UNKNOWN = "application/vnd.ms-excel", "video/mp2t", "application/octet-stream"
# By what the client's system calls a file: its name and its type.
TEXTS: dict[str, tuple[str, str]] = {
    "JavaScript": ("a.js", "application/javascript"),
    "SQL": ("a.sql", "application/sql"),
    "TOML": ("a.toml", "application/toml"),
    "a script": ("a.sh", "application/x-sh"),
    "a notebook": ("a.ipynb", "application/x-ipynb+json"),
    "a CSV from Windows": ("a.csv", CSV),
    "TypeScript": ("a.ts", VIDEO),
    "an MTS module": ("a.MTS", "video/MP2T"),
    "LaTeX": ("a.tex", "application/x-tex"),
    "PHP": ("a.php", "application/x-httpd-php"),
    "a playlist": ("a.m3u", "audio/x-mpegurl"),
    "an extension that nobody knows": ("a.qwertz", UNKNOWN),
    "no extension": ("Makefile", UNKNOWN),
    "no type": ("a.rs", ""),
    "JSON with a charset": ("a.json", "Application/JSON; Charset=UTF-8"),
    "a path of Windows": ("C:\\fakepath\\a.log", "text/x-log"),
}
ENCODED: dict[str, bytes] = {
    "a mark": b"\xef\xbb\xbf" + UTF8,
    "UTF-16": WORDS.encode("utf-16"),
    "UTF-16, big endian": b"\xfe\xff" + WORDS.encode("utf-16-be"),
    "UTF-16 without a mark": WORDS.encode("utf-16-le"),
    "UTF-16, big endian, without a mark": WORDS.encode("utf-16-be"),
    "UTF-32": WORDS.encode("utf-32"),
}
LEGACY: dict[str, str] = {
    "cp1252": "Größe;Straße;Übung\n",
    "cp1251": "Привет, как дела? Это отчёт за год.\n",
    "cp932": "報告書は来週提出します。\n",
    "gb18030": "报告将于下周提交。\n",
    "big5": "報告將於下週提交，請各位同仁準備。\n",
    "euc-kr": "보고서는 다음 주에 제출합니다.\n",
}
# As compressed data looks, without a zero.
NOISE = bytes(random.Random(1).choices(range(0x80, 0x100), k=3000))
REFUSED: dict[str, tuple[str, str, bytes, str]] = {
    "a PDF called text": (
        "a.txt",
        "text/plain",
        b"%PDF-1.7\n%",
        "text/plain cannot be attached. Upload it as a document",
    ),
    "a workbook called CSV": ("a.csv", "text/csv", b"PK\x03\x04abc", "text/csv cannot be attached. Upload it"),
    "an old workbook": ("a.xls", CSV, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "cannot be attached. Upload it"),
    "a program": ("a.py", "text/x-python", b"\x7fELF\2\1\1\0\0", "cannot be attached"),
    "controls": ("a.dat", UNKNOWN, bytes(range(1, 100)), "a.dat: a binary file cannot be attached"),
    "a video": ("a.ts", VIDEO, b"G@\0\x10\0\0\xb0\r\0\1", "video/mp2t cannot be attached"),
    "words called PNG": ("a.png", "text/plain", b"Hello", "not a PNG, JPEG, GIF or WebP"),
    "too little to know its encoding": (
        "a.csv",
        CSV,
        b"\xff",
        "the encoding of the text is not known. Save it as UTF-8",
    ),
    "no encoding at all": ("a.csv", CSV, NOISE, "the encoding of the text is not known"),
}


async def post(user: httpx2.AsyncClient, name: str, media_type: str, content: bytes) -> Any:
    """The answer to a message with one file."""
    file = {"name": name, "contentType": media_type, "url": data_url(content, media_type)}
    return await chat(user, {"messages": [{"role": "user", "content": "", "experimental_attachments": [file]}]})


def text_to_the_model(world: World) -> str:
    """The words of the file, as the last call has them."""
    (part,) = world.emulator.newest["messages"][-1]["content"]
    text: str = part["text"]
    return text.partition("]\n")[2]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", TEXTS)
async def test_text_is_text_whatever_its_type(world: World, user: httpx2.AsyncClient, case: str) -> None:
    name, media_type = TEXTS[case]
    answer = await post(user, name, media_type, UTF8)
    assert answer.status == 200, answer.body
    assert text_to_the_model(world) == WORDS
    # A front end that loads the conversation is given a text again.
    (message, _) = (await user.get(f"/conversations/{answer.conversation_id}")).json()["messages"]
    (shown,) = message["experimental_attachments"]
    assert shown["contentType"].startswith(("text/", "application/"))
    assert shown["contentType"] != UNKNOWN
    assert shown["url"] == data_url(UTF8, shown["contentType"])


@pytest.mark.parametrize("encoding", ENCODED)
async def test_text_may_be_utf_16(world: World, user: httpx2.AsyncClient, encoding: str) -> None:
    assert (await post(user, "a.csv", CSV, ENCODED[encoding])).status == 200
    assert text_to_the_model(world) == WORDS


@pytest.mark.parametrize("encoding", LEGACY)
async def test_text_may_be_in_the_encodings_of_old_programs(
    world: World, user: httpx2.AsyncClient, encoding: str
) -> None:
    assert (await post(user, "a.csv", CSV, LEGACY[encoding].encode(encoding))).status == 200
    assert text_to_the_model(world) == LEGACY[encoding]


@pytest.mark.parametrize("charset", ["KOI8-R", '"koi8-r"'])
async def test_an_encoding_that_is_named_is_believed(world: World, user: httpx2.AsyncClient, charset: str) -> None:
    assert (await post(user, "a.csv", f"text/csv; charset={charset}", "Да".encode("koi8-r") + b"1234")).status == 200
    assert text_to_the_model(world) == "Да1234"


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape"])
async def test_an_encoding_of_names_and_code_is_ignored_since_it_may_take_minutes(
    world: World, user: httpx2.AsyncClient, charset: str
) -> None:
    text = "xn--bcher-kva \\u00fc"
    assert (await post(user, "a.csv", f"text/csv; charset={charset}", text.encode())).status == 200
    assert text_to_the_model(world) == text


@pytest.mark.parametrize("charset", ["klingon", "base64"])
async def test_a_name_of_no_encoding_is_ignored(world: World, user: httpx2.AsyncClient, charset: str) -> None:
    assert (await post(user, "a.csv", f"text/csv; charset={charset}", b"Gr\xfc\xdfe")).status == 200
    assert text_to_the_model(world) == "Grüße"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_neither_text_nor_an_image_is_refused(user: httpx2.AsyncClient, case: str) -> None:
    name, media_type, content, words = REFUSED[case]
    answer = await post(user, name, media_type, content)
    assert answer.status == 422, answer.body
    assert words in answer.json()["error"]["message"]
    assert (await user.get("/conversations")).json() == []


async def test_files_of_old_messages_are_not_needed(world: World, user: httpx2.AsyncClient) -> None:
    answer = await chat(user, {"id": "old", "message": "First"})
    gone = {"name": "a.png", "contentType": "image/png", "url": "blob:http://localhost/1"}
    old = [
        {"role": "user", "content": "First", "experimental_attachments": [gone, {**gone, "url": "data:;base64,?"}]},
        {"role": "assistant", "content": answer.text},
    ]
    again = await chat(user, {"id": "old", "messages": [*old, {"role": "user", "content": "Second"}]})
    assert again.status == 200, again.body
    # As the history of a new conversation they are.
    answer = await chat(user, {"messages": [*old, {"role": "user", "content": "Second"}]})
    assert answer.status == 400
    assert "messages[0].experimental_attachments[0] is a blob: address" in answer.json()["error"]["message"]


async def test_an_image_is_no_part_of_the_messages_length(user: httpx2.AsyncClient) -> None:
    large = png() + b"\0" * 1_000_001
    assert (await post(user, "a.png", UNKNOWN, large)).status == 200
