"""What people have typed into a PDF: the values of its form, and text written over its pages."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator

import pypdfium2  # type: ignore[import-untyped]
from lxml import etree  # type: ignore[import-untyped]
from pypdfium2 import raw

# A page of a form has tens. More are an attack, or a map.
ANNOTATIONS = 5_000
PACKETS = 100
_PASSWORD = 1 << 13
_BUTTONS = (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON)
_NOTES = (raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_TEXT)


def typed_texts(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> Iterator[str]:
    """The page's fields as `name: value`, those that are filled in, and its notes."""
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            subtype = raw.FPDFAnnot_GetSubtype(annotation)
            if subtype == raw.FPDF_ANNOT_WIDGET and document.formenv:
                yield from _field(document.formenv, annotation)
            elif subtype in _NOTES:
                yield _string(lambda *to, note=annotation: raw.FPDFAnnot_GetStringValue(note, b"Contents", *to))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def xfa_texts(document: pypdfium2.PdfDocument) -> Iterator[str]:
    """The values of a form that has its own format in the file (XFA), and no fields on its pages."""
    if document.get_formtype() != raw.FORMTYPE_XFA_FULL:
        return
    for index in range(min(raw.FPDF_GetXFAPacketCount(document), PACKETS)):
        if _packet(raw.FPDF_GetXFAPacketName, document, index).rstrip(b"\0") != b"datasets":
            continue
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
        root = etree.fromstring(_packet(raw.FPDF_GetXFAPacketContent, document, index), parser)
        for element in () if root is None else root.iter("*"):
            if not len(element) and (text := (element.text or "").strip()):
                yield f"{etree.QName(element).localname}: {text}"


def _packet(function: Callable[..., int], document: pypdfium2.PdfDocument, index: int) -> bytes:
    """What a function of PDFium says of a part of the form: its length comes last, or is the result."""
    length = ctypes.c_ulong()
    last = (ctypes.byref(length),) if function is raw.FPDF_GetXFAPacketContent else ()
    size = int(function(document, index, None, 0, *last))
    buffer = ctypes.create_string_buffer(length.value if last else size)
    function(document, index, buffer, len(buffer), *last)
    return buffer.raw


def _field(form: pypdfium2.PdfFormEnv, annotation: object) -> Iterator[str]:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind == raw.FPDF_FORMFIELD_PUSHBUTTON or raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return

    def text(function: Callable[..., int]) -> str:
        return _string(lambda *to: function(form, annotation, *to)).strip()

    if kind in _BUTTONS:
        value = text(raw.FPDFAnnot_GetFormFieldExportValue) if raw.FPDFAnnot_IsChecked(form, annotation) else ""
    else:
        value = text(raw.FPDFAnnot_GetFormFieldValue)
    if value:
        name = text(raw.FPDFAnnot_GetFormFieldAlternateName) or text(raw.FPDFAnnot_GetFormFieldName)
        yield f"{name}: {value}"


def _string(function: Callable[..., int]) -> str:
    """The text that a function of PDFium gives: first its length in bytes, then its UTF-16, with a NUL."""
    length = function(None, 0)
    buffer = ctypes.create_string_buffer(length)
    function(ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw[: max(length - 2, 0)].decode("utf-16-le", "replace")
