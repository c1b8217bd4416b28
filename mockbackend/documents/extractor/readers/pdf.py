"""PDF: the text of each page and what was typed into it, under the chapter that the outline names."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import pypdfium2  # type: ignore[import-untyped]

from ...errors import HasPassword, TooLarge
from ..limits import Limits
from ..output import Output
from ..pdf_forms import typed_texts, xfa_texts

OUTLINE_ENTRIES = 10_000
# PDFium's errors for a file that needs a password, and for an encryption that it does not know.
_PASSWORD, _SECURITY = 4, 5
# PDFium's character for the hyphen of a word that is broken at the end of a line.
_HYPHEN = re.compile("[\ufffe\x02]\r?\n?")


def read(path: str, output: Output, limits: Limits) -> None:
    """Output the text of every page."""
    with open(path, "rb") as file:
        document = _open(file)
        if len(document) > limits.pages:
            raise TooLarge(f"The file has more than {limits.pages:,} pages (MAX_DOCUMENT_PAGES).")
        outline = _outline(document)
        first_pages = [page for page, _ in outline]
        for index in range(len(document)):
            # The first chapter that begins on the page, or the last one before it.
            begun = bisect_right(first_pages, index - 1)
            if begun == len(outline) or outline[begun][0] != index:
                begun -= 1
            output.place(f"page {index + 1}", *(outline[begun][1] if begun >= 0 else ()))
            for text in _texts(document, index):
                output.paragraph(text)
        output.place("form")
        for text in xfa_texts(document):
            output.paragraph(text)


def _open(file: object) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (_PASSWORD, _SECURITY):
            raise HasPassword() from None
        raise
    # A damaged form is no reason to refuse the pages.
    with suppress(pypdfium2.PdfiumError):
        document.init_forms()
    return document


def _texts(document: pypdfium2.PdfDocument, index: int) -> Iterator[str]:
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        # One damaged page is no reason to refuse the others.
        return
    text_page = page.get_textpage()
    yield _HYPHEN.sub("", text_page.get_text_bounded())
    yield from typed_texts(document, page)
    # Free each page: a document may have thousands.
    text_page.close()
    page.close()


def _outline(document: pypdfium2.PdfDocument) -> list[tuple[int, tuple[str, ...]]]:
    """The first page of each chapter and the titles that lead to it, in the order of the pages."""
    chapters: list[tuple[int, tuple[str, ...]]] = []
    titles: list[str] = []
    for entry in islice(document.get_toc(), OUTLINE_ENTRIES):
        titles[entry.level :] = [entry.get_title()]
        destination = entry.get_dest()
        page = destination.get_index() if destination else None
        if page is not None:
            chapters.append((page, tuple(titles)))
    return sorted(chapters, key=lambda chapter: chapter[0])
