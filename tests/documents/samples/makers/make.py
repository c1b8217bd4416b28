# mypy: ignore-errors
"""What has made those of these documents that are in no other project.

It needs groff, and of PyPI what it imports: ebooklib, fpdf2, nbformat, odfpy, openpyxl, pyexcelerate,
pypandoc_binary and reportlab.
"""

from __future__ import annotations

import email.message
import email.policy
import subprocess
from pathlib import Path

import ebooklib.epub
import fpdf
import nbformat.v4
import odf.opendocument
import odf.table
import odf.text
import openpyxl
import pyexcelerate
import pypandoc
import reportlab.pdfgen.canvas

HERE = Path(__file__).parent
HEADING, SENTENCE = "Zürich lights", "The keeper lit the lamp at dusk."
ROWS = [["Keeper", "Years"], ["Muirgen", 40]]
MARKDOWN = f"""# {HEADING}

{SENTENCE}

| Keeper | Years |
|---|---|
| Muirgen | 40 |

- oil
- wicks[^1]

[^1]: Trimmed daily.
"""


def made(name: str) -> str:
    """The path of a file to be made."""
    return str(HERE / name)


def pandoc(name: str, kind: str) -> None:
    """Make a file by pandoc, which the package brings along."""
    pypandoc.convert_text(
        MARKDOWN, kind, "markdown", outputfile=made(name), extra_args=["--standalone", "-M", "title=x"]
    )


for kind in ("docx", "pptx", "epub", "html"):
    pandoc(f"pandoc.{kind}", kind)

canvas = reportlab.pdfgen.canvas.Canvas(made("reportlab.pdf"))
for number, line in enumerate((HEADING, SENTENCE)):
    canvas.drawString(72, 720 - 20 * number, line)
canvas.save()

pdf = fpdf.FPDF()
pdf.add_page()
pdf.set_font("Helvetica", size=12)
pdf.multi_cell(0, text=f"{HEADING}\n{SENTENCE}")
with pdf.table() as table:
    for row in ROWS:
        table.row([str(cell) for cell in row])
pdf.output(made("fpdf2.pdf"))

manual = f".TH LAMP 1\n.SH NAME\nlamp \\- {SENTENCE}\n"
formatted = subprocess.run(["groff", "-man", "-Tutf8"], input=manual.encode(), capture_output=True, check=True)
(HERE / "groff.txt").write_bytes(formatted.stdout)

sheet = odf.opendocument.OpenDocumentSpreadsheet()
rows = odf.table.Table(name="Lamps")
for row in ROWS:
    line = odf.table.TableRow()
    for cell in row:
        one = odf.table.TableCell(valuetype="string")
        one.addElement(odf.text.P(text=str(cell)))
        line.addElement(one)
    rows.addElement(line)
sheet.spreadsheet.addElement(rows)
sheet.save(made("odfpy.ods"))

book = openpyxl.Workbook()
for row in ROWS:
    book.active.append(row)
book.save(made("openpyxl.xlsx"))

fast = pyexcelerate.Workbook()
fast.new_sheet("Lamps", data=ROWS)
fast.save(made("pyexcelerate.xlsx"))

novel = ebooklib.epub.EpubBook()
novel.set_identifier("lamps")
novel.set_title(HEADING)
novel.set_language("en")
chapter = ebooklib.epub.EpubHtml(title=HEADING, file_name="one.xhtml")
chapter.content = f"<h1>{HEADING}</h1><p>{SENTENCE}</p>"
novel.add_item(chapter)
novel.toc, novel.spine = [chapter], ["nav", chapter]
novel.add_item(ebooklib.epub.EpubNcx())
novel.add_item(ebooklib.epub.EpubNav())
ebooklib.epub.write_epub(made("ebooklib.epub"), novel)

notebook = nbformat.v4.new_notebook(
    cells=[nbformat.v4.new_markdown_cell(MARKDOWN), nbformat.v4.new_code_cell('print("lit")')]
)
(HERE / "nbformat.ipynb").write_text(nbformat.writes(notebook))

mail = email.message.EmailMessage(email.policy.SMTP)
mail["Subject"], mail["From"], mail["To"] = HEADING, "keeper@lights.example", "office@lights.example"
mail.set_content(SENTENCE)
mail.add_alternative(f"<p>{SENTENCE}</p>", subtype="html")
mail.add_attachment("Keeper,Years\nMuirgen,40\n", subtype="csv", filename="lamps.csv")
(HERE / "python-email.eml").write_bytes(bytes(mail))
