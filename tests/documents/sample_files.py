"""Real documents for the tests, made by the libraries that people make them with, or byte by byte."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from docx import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

PARAGRAPH = b"<w:p><w:r><w:t>The keeper lit the lamp.</w:t></w:r></w:p>"
SAMPLES = Path(__file__).parent / "samples"
SENTENCE = "The keeper lit the lamp at dusk and wrote it down."


def pdf(
    path: Path,
    pages: Sequence[str],
    outline: Sequence[tuple[str, int]] = (),
    encrypted: bool = False,
    count: int | None = None,
) -> Path:
    """A PDF with these texts, one a page, in Helvetica; `outline` are titles and the indices of their pages.

    `encrypted`: with a password that nobody knows. `count`: how many pages it has, each after the last like the last.
    """
    kids = len(pages)
    objects: list[bytes] = [
        b"",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for text in pages:
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (len(objects) + 2)
        )
        objects.append(pdf_stream(_page_text(text)))
    numbers = [4 + 2 * min(index, kids - 1) for index in range(count or kids)]
    catalog = b""
    if outline:
        first = len(objects) + 2
        last = first + len(outline) - 1
        objects.append(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>" % (first, last, len(outline)))
        catalog = b"/Outlines %d 0 R" % (first - 1)
        for number, (title, page) in enumerate(outline, first):
            following = b"/Next %d 0 R" % (number + 1) if number < last else b""
            title_bytes = b"\xfe\xff" + title.encode("utf-16-be")
            objects.append(
                b"<< /Title <%s> /Parent %d 0 R %s /Dest [%d 0 R /Fit] >>"
                % (title_bytes.hex().encode(), first - 1, following, numbers[page])
            )
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog
    listed = b" ".join(b"%d 0 R" % number for number in numbers)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (listed, len(numbers))
    secret = b"<%s>" % (b"5a" * 32)
    encryption = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O %s /U %s >> /ID [<00> <00>]" % (secret, secret)
    path.write_bytes(pdf_bytes(objects, encryption if encrypted else b""))
    return path


def pdf_stream(content: bytes) -> bytes:
    """A compressed stream object."""
    packed = zlib.compress(content)
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)


def bomb_pdf(path: Path, unit: bytes, times: int) -> Path:
    """A PDF of one page whose content is `unit` so many times, packed well."""
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(unit) for _ in range(times)) + packer.flush()
    resources = b"/Resources << /Font << /F1 3 0 R >> >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s /Contents 5 0 R >>" % resources,
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
    )
    path.write_bytes(pdf_bytes(objects))
    return path


def pdf_bytes(objects: Iterable[bytes], trailer: bytes = b"") -> bytes:
    """A PDF file of these objects, numbered from 1; the first is its catalog."""
    out = bytearray(b"%PDF-1.7\n")
    offsets: list[int] = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(offsets) + 1, trailer, start)
    return bytes(out)


def _page_text(text: str) -> bytes:
    lines = b"".join(
        b"(%s) '\n" % line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        for line in text.split("\n")
    )
    return b"BT /F1 11 Tf 14 TL 50 800 Td\n%sET" % lines


def docx(path: Path) -> Path:
    """A Word file with everything that a document of an office has."""
    document = Document()
    document.add_heading("The lighthouse", 0)
    document.add_paragraph("It stands above the sea.")
    document.add_heading("Keepers", 1)
    document.add_paragraph("Three shared the watch.")
    table = document.add_table(2, 2)
    for cell, text in zip(
        (*table.rows[0].cells, *table.rows[1].cells), ("Name", "Years", "Muirgen", "40"), strict=True
    ):
        cell.text = text
    document.add_paragraph("Between table and list.")
    document.add_paragraph("oil", style="List Bullet")
    document.add_paragraph("wicks", style="List Number")
    document.add_heading("The lens", 2)
    changed = document.add_paragraph("It turns ")
    for xml in (
        '<w:del {} w:id="1" w:author="a"><w:r><w:delText>never</w:delText><w:noBreakHyphen/></w:r></w:del>',
        '<w:moveFrom {} w:id="2" w:author="a"><w:r><w:t>elsewhere </w:t></w:r></w:moveFrom>',
        '<w:ins {} w:id="3" w:author="a"><w:r><w:t>by clockwork.</w:t></w:r></w:ins>',
    ):
        changed._p.append(parse_xml(xml.format(nsdecls("w"))))
    boxed = document.add_paragraph("Beside a box.")
    box = "<w:txbxContent><w:p><w:r><w:t>Mind the step.</w:t></w:r></w:p></w:txbxContent>"
    boxed.add_run()._r.append(
        parse_xml(
            f'<mc:AlternateContent {nsdecls("w")} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
            f"<mc:Choice Requires='wps'>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
        )
    )
    controlled = "<w:sdt {}><w:sdtContent><w:p><w:r><w:t>In a content control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(-1, parse_xml(controlled.format(nsdecls("w"))))
    document.add_heading("Empty end", 1)
    section = document.sections[0]
    section.header.paragraphs[0].text = "Ardmore Lights"
    section.footer.paragraphs[0].text = "Confidential"
    for kind, content_type, relationship in (
        ("footnote", CONTENT_TYPE.WML_FOOTNOTES, RELATIONSHIP_TYPE.FOOTNOTES),
        ("endnote", CONTENT_TYPE.WML_ENDNOTES, RELATIONSHIP_TYPE.ENDNOTES),
    ):
        separator = f'<w:{kind} w:type="separator" w:id="0"><w:p><w:r><w:separator/></w:r></w:p></w:{kind}>'
        said = f'<w:{kind} w:id="1"><w:p><w:r><w:t>Said in a {kind}.</w:t></w:r></w:p></w:{kind}>'
        blob = f"<w:{kind}s {nsdecls('w')}>{separator}{said}</w:{kind}s>"
        part = Part(PackURI(f"/word/{kind}s.xml"), content_type, blob.encode(), document.part.package)
        document.part.relate_to(part, relationship)
    document.save(str(path))
    return path


def zipped(path: Path, entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A ZIP file of these entries."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def rezipped(path: Path, changes: Mapping[str, bytes]) -> Path:
    """The ZIP file at `path` with some entries replaced or added."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    return zipped(path, {**entries, **changes})


def word(path: Path, body: bytes, head: bytes = b"") -> Path:
    """A Word file whose document is `body`, after `head` in front of its root."""
    Document().save(str(path))
    xml = b'<?xml version="1.0"?>%s<w:document %s><w:body>%s</w:body></w:document>'
    return rezipped(path, {"word/document.xml": xml % (head, nsdecls("w").encode(), body)})


def lying(path: Path, size: int) -> Path:
    """The ZIP file at `path` with `size` as what each of its entries says that it unpacks to."""
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        found = data.find(mark)
        while found >= 0:
            data[found + at : found + at + 4] = struct.pack("<I", size)
            found = data.find(mark, found + 4)
    path.write_bytes(data)
    return path


def xlsb(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """A binary workbook with these texts in its sheet `Sales`."""

    def record(kind: int, content: bytes = b"") -> bytes:
        # Numbers of seven bits a byte.
        head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
        size = len(content)
        return head + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + content

    def text(words: str) -> bytes:
        return struct.pack("<I", len(words)) + words.encode("utf-16-le")

    sheet = record(156, struct.pack("<II", 0, 1) + text("rId1") + text("Sales"))
    dimensions = struct.pack("<IIII", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    cells = b"".join(
        record(0, struct.pack("<I", number) + bytes(13))
        + b"".join(record(6, struct.pack("<II", column, 0) + text(words)) for column, words in enumerate(row))
        for number, row in enumerate(rows)
    )
    relationships = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relationship = f'<Relationship Id="rId1" Type="{relationships}/worksheet" Target="worksheets/sheet1.bin"/>'
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return zipped(
        path,
        {
            "xl/workbook.bin": record(131) + record(143) + sheet + record(144) + record(132),
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{namespace}">{relationship}</Relationships>'.encode(),
            "xl/worksheets/sheet1.bin": (
                record(129) + record(148, dimensions) + record(145) + cells + record(146) + record(130)
            ),
        },
    )


def ods(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """An OpenDocument spreadsheet with these texts in its sheet `Sales`."""
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    lines = ("".join(cell.format(text) for text in row) for row in rows)
    table = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    body = f'<office:spreadsheet><table:table table:name="Sales">{table}</table:table></office:spreadsheet>'
    home = "urn:oasis:names:tc:opendocument:xmlns"
    names = " ".join(f'xmlns:{name}="{home}:{name}:1.0"' for name in ("office", "table", "text"))
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    return zipped(
        path,
        {
            "mimetype": kind.encode(),
            "META-INF/manifest.xml": (
                f'<manifest:manifest xmlns:manifest="{home}:manifest:1.0">{entry}</manifest:manifest>'.encode()
            ),
            "content.xml": (
                f"<office:document-content {names}><office:body>{body}</office:body></office:document-content>".encode()
            ),
        },
    )


def epub(path: Path, chapters: Mapping[str, bytes], extra: Mapping[str, bytes] | None = None) -> Path:
    """A book of these chapters, by the names of their parts in `OEBPS`."""
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    items = "".join(
        f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    parts = f"<manifest>{items}</manifest><spine>{spine}</spine>"
    book = f'<package xmlns="http://www.idpf.org/2007/opf">{parts}</package>'
    return zipped(
        path,
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": container.encode(),
            "OEBPS/book.opf": book.encode(),
            **{f"OEBPS/{name}": content for name, content in chapters.items()},
            **(extra or {}),
        },
    )
