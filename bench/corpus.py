"""Real text with known answers: manuals from Debian packages, with headings and index entries as questions.

A heading is removed from the text that is searched; the answer is its section. An entry of Python's index is used as
it stands; the answer is the passage it points to.
"""

import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mockbackend.storage.passages import Passage

PACKAGES = ("debian-faq", "debian-reference-en", "developers-reference", "python3.11-doc")
FOLDERS = {
    "Debian FAQ": (Path("/usr/share/doc/debian/FAQ"), ("*.en.html",)),
    "Debian Reference": (Path("/usr/share/debian-reference"), ("ch*.en.html",)),
    "Developers Reference": (Path("/usr/share/developers-reference"), ("*.html",)),
    "Python": (
        Path("/usr/share/doc/python3.11/html"),
        ("faq/*.html", "howto/*.html", "library/*.html", "reference/*.html", "tutorial/*.html", "using/*.html"),
    ),
}
INDEX = FOLDERS["Python"][0] / "genindex-all.html"
SIZE, OVERLAP = 1200, 150
HEADINGS = ("h1", "h2", "h3", "h4", "h5")
BLOCKS = frozenset(("p", "li", "dt", "dd", "pre", "div", "tr", "table", "ul", "ol", "dl", "section", "br"))
SKIPPED = frozenset(("script", "style", "nav", "head"))
NUMBER = re.compile(r"^((Chapter|Appendix)\s+)?[\dA-Z]{0,2}(\.\d+)*\.\s+")


@dataclass
class Section:
    """The text from one heading to the next, with the offsets of its anchors."""

    heading: str
    text: str = ""
    anchors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """A question, and the numbers of the passages that answer it."""

    text: str
    answers: frozenset[int]


@dataclass
class Corpus:
    """All passages in order, the document of each, and the questions by kind."""

    passages: list[Passage] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    questions: dict[str, list[Question]] = field(default_factory=dict)


def install() -> None:
    """Install the packages if they are missing; needs root on Debian or a relative of it."""
    if not all(folder.is_dir() for folder, _ in FOLDERS.values()):
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES], check=True)


def read(limit: int = 300) -> Corpus:
    """Read the corpus, with at most `limit` questions of each kind, the same ones each time."""
    corpus = Corpus(questions={"FAQ headings": [], "section headings": [], "index entries": []})
    anchors: dict[str, frozenset[int]] = {}
    for book, (folder, patterns) in FOLDERS.items():
        for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
            name = str(path.relative_to(folder))
            for section in _sections(path):
                numbers = _add(corpus, f"{book} {name}", section)
                for anchor, offset in section.anchors.items():
                    anchors[f"{name}#{anchor}"] = frozenset(
                        number for number, (start, end) in numbers.items() if start <= offset < end
                    )
                asked = NUMBER.sub("", section.heading)
                # A heading of one or two words is a title, not a question; a long section is found by chance.
                if numbers and len(asked.split()) > 2 and len(numbers) <= 6:
                    kind = "FAQ headings" if asked.endswith("?") else "section headings"
                    corpus.questions[kind].append(Question(asked, frozenset(numbers)))
    corpus.questions["index entries"] = list(_index(anchors))
    chance = random.Random(1)
    for kind, questions in corpus.questions.items():
        corpus.questions[kind] = chance.sample(questions, min(limit, len(questions)))
    return corpus


def _sections(path: Path) -> Iterator[Section]:
    body = LexborHTMLParser(path.read_text(errors="replace")).css_first("[role=main], body")
    if body is None:
        return
    section = Section("")
    waiting: list[str] = []
    for node in body.traverse(include_text=True):
        if node.tag in HEADINGS:
            yield section
            section = Section(" ".join(node.text().replace("¶", "").split()))
            # A section's anchor comes before its heading.
            section.anchors |= dict.fromkeys(waiting, 0)
        elif node.tag == "-text":
            if not _inside(node, SKIPPED | frozenset(HEADINGS)):
                section.text += node.text_content or ""
                waiting.clear()
        elif node.tag in BLOCKS:
            section.text += "\n"
        if anchor := node.attributes.get("id"):
            section.anchors[anchor] = len(section.text)
            waiting.append(anchor)
    yield section


def _inside(node: LexborNode, tags: frozenset[str]) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in tags:
            return True
        parent = parent.parent
    return False


def _add(corpus: Corpus, document: str, section: Section) -> dict[int, tuple[int, int]]:
    """Split a section into passages; return their numbers, each with its start and end in the section."""
    numbers: dict[int, tuple[int, int]] = {}
    start = 0
    while start < len(section.text):
        end = start + SIZE
        if end < len(section.text):
            end = max(section.text.rfind(" ", start + SIZE // 2, end), section.text.rfind("\n", start, end), start + 1)
        if text := re.sub(r"\s*\n\s*", "\n", section.text[start:end].replace("¶", "")).strip():
            numbers[len(corpus.passages)] = (start, end)
            corpus.passages.append(Passage(text))
            corpus.documents.append(document)
        start = end - OVERLAP if end < len(section.text) and end - OVERLAP > start else end
    return numbers


def _index(anchors: dict[str, frozenset[int]]) -> Iterator[Question]:
    """Handwritten entries of several words; generated ones contain the names of functions and classes."""
    for link in LexborHTMLParser(INDEX.read_text()).css("table.genindextable > tbody > tr > td > ul > li > a"):
        target = unquote(link.attributes.get("href") or "")
        text = link.text().strip()
        if "#index-" in target and re.fullmatch(r"[A-Za-z][a-z-]+( [A-Za-z-]+)+", text) and anchors.get(target):
            yield Question(text, anchors[target])
