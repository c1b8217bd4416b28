"""What people type into a PDF."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockbackend.storage.passages import Passage
from tests.documents import sample_files
from tests.documents.extractor.in_process import read

FIELD = "/Type /Annot /Subtype /Widget /Rect [50 700 300 720] /P 4 0 R"
UTF16 = f"<feff{'Łódź, ulica Morska'.encode('utf-16-be').hex()}>"


def form(path: Path, *annotations: str) -> Path:
    """A PDF of one page with these annotations, each a field of its form if it has a name."""
    first = 6
    numbers = [f"{number} 0 R" for number in range(first, first + len(annotations))]
    fields = " ".join(number for number, one in zip(numbers, annotations, strict=True) if "/FT" in one)
    path.write_bytes(
        sample_files.pdf_bytes(
            (
                f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{fields}] /NeedAppearances true >> >>".encode(),
                b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
                b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
                b"/Contents 5 0 R /Annots [%s] >>" % " ".join(numbers).encode(),
                sample_files.pdf_stream(b"BT /F1 11 Tf 50 800 Td (Application) Tj ET"),
                *(f"<< {one} >>".encode() for one in annotations),
            )
        )
    )
    return path


def typed(path: Path) -> list[str]:
    (block,) = read(path, "pdf")
    assert block.place == "page 1"
    first, *rest = block.text.split("\n\n")
    assert first == "Application"
    return rest


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("/FT /Tx /T (name) /V (Muirgen)", "name: Muirgen"),
        ("/FT /Tx /T (f1) /TU (Full name) /V (Muirgen)", "Full name: Muirgen"),
        (f"/FT /Tx /T (address) /V {UTF16}", "address: Łódź, ulica Morska"),
        ("/FT /Tx /Ff 4096 /T (more) /V (one\\rtwo)", "more: one\ntwo"),
        ("/FT /Ch /Ff 131072 /T (port) /Opt [(Kiel) (Bergen)] /V (Bergen)", "port: Bergen"),
        ("/FT /Btn /T (keeper) /V /Yes /AS /Yes /AP << /N << /Yes 3 0 R /Off 3 0 R >> >>", "keeper: Yes"),
    ],
)
def test_a_value_in_a_form_is_read_with_its_name(field: str, text: str, tmp_path: Path) -> None:
    assert typed(form(tmp_path / "file", f"{FIELD} {field}")) == [text]


@pytest.mark.parametrize(
    "field",
    [
        "/FT /Tx /T (name)",
        "/FT /Tx /T (name) /V ()",
        "/FT /Tx /Ff 8192 /T (secret) /V (sesame)",
        "/FT /Btn /T (keeper) /V /Off /AS /Off /AP << /N << /Yes 3 0 R /Off 3 0 R >> >>",
        "/FT /Btn /Ff 65536 /T (send) /V (Send)",
        "/FT /Sig /T (signature)",
    ],
)
def test_what_is_not_filled_in_or_secret_is_left_out(field: str, tmp_path: Path) -> None:
    assert typed(form(tmp_path / "file", f"{FIELD} {field}")) == []


def test_text_written_over_a_page_is_read(tmp_path: Path) -> None:
    note = "/Type /Annot /Subtype /%s /Rect [50 700 300 720] /Contents (%s)"
    path = form(
        tmp_path / "file", note % ("FreeText", "Paid on 3 May"), note % ("Text", "Ask Ada"), note % ("Link", "x")
    )
    assert typed(path) == ["Paid on 3 May", "Ask Ada"]


def test_the_values_of_a_form_in_its_own_format_are_read(tmp_path: Path) -> None:
    """As programs save it that fill in dynamic forms: the page says only that it cannot be shown."""
    namespace = "xmlns:xfa='http://www.xfa.org/schema/xfa-data/1.0/'"
    data = f"<xfa:datasets {namespace}><xfa:data><f><name>Łódź</name><no/></f></xfa:data>"
    template = sample_files.pdf_stream(b"<template/>")
    path = tmp_path / "file"
    path.write_bytes(
        sample_files.pdf_bytes(
            (
                b"<< /Type /Catalog /Pages 2 0 R /NeedsRendering true "
                b"/AcroForm << /Fields [] /XFA [(template) 6 0 R (datasets) 7 0 R] >> >>",
                b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
                b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
                b"/Contents 5 0 R >>",
                sample_files.pdf_stream(b"BT /F1 11 Tf 50 800 Td (Please wait...) Tj ET"),
                template,
                sample_files.pdf_stream(f"{data}</xfa:datasets>".encode()),
            )
        )
    )
    assert read(path, "pdf")[-1] == Passage("name: Łódź", "form")
