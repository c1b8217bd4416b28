"""`python -m bench.retrieval`: retrieval quality on real manuals, by words, by vectors, and by both.

Questions and answers come from `bench.corpus`. Vectors come from the emulator, whose embeddings only know words in
common, and from a small real model (`uv sync --group retrieval`).
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from bench.corpus import Corpus, Question, install, read
from bench.static_model import embedder
from mockbackend.documents.index.embedded import EmbeddedIndex
from mockbackend.emulator.embeddings.vectors import embed
from mockbackend.storage.embedded.passages import NAME, Passages, prepare

USER = "user"
DEPTH = 10
RECALL_AT = 5
EMULATOR_DIMENSIONS = 1536
Embed = Callable[[Sequence[str]], Any]


def emulated(texts: Sequence[str]) -> Any:
    """Embed texts as the emulator does."""
    return np.array([embed(text, EMULATOR_DIMENSIONS) for text in texts], np.float32)


async def build(path: Path, corpus: Corpus, vectors: Any) -> dict[tuple[str, str], int]:
    """Index the corpus, one file per document; return each passage's number by file and place."""
    prepare(path)
    passages = Passages(path)
    index = EmbeddedIndex(passages)
    numbers: dict[tuple[str, str], int] = {}
    for document in dict.fromkeys(corpus.documents):
        members = [number for number, name in enumerate(corpus.documents) if name == document]
        # The place identifies the passage; it is not searched.
        staged = [corpus.passages[number].__class__(corpus.passages[number].text, str(number)) for number in members]
        numbers |= {(document, str(number)): number for number in members}
        await passages.stage(document, USER, staged)
        await passages.add_vectors(document, [(at, vectors[number]) for at, number in enumerate(members)])
        await index.publish(USER, document, "")
    await passages.close()
    return numbers


async def ranks(index: EmbeddedIndex, questions: list[Question], vectors: Any, *, words: bool) -> list[int | None]:
    """The rank, from 1, of the first passage that answers each question; None if it is not among the results."""
    found: list[int | None] = []
    for number, question in enumerate(questions):
        vector = None if vectors is None else vectors[number]
        hits = await index.search(USER, question.text if words else "", vector, None, DEPTH)
        places = [int(hit.passage.place) for hit in hits]
        found.append(next((rank for rank, place in enumerate(places, start=1) if place in question.answers), None))
    return found


def row(name: str, of_kind: list[list[int | None]]) -> str:
    """A table row: recall and mean reciprocal rank by kind of question."""
    cells = [
        f"{mean(rank is not None and rank <= RECALL_AT for rank in found):.3f} / "
        f"{mean(1 / rank if rank else 0 for rank in found):.3f}"
        for found in of_kind
    ]
    return f"| {name} | {' | '.join(cells)} |"


async def measure(corpus: Corpus, model: str, embedding: Embed, *, emulated: bool) -> None:
    """Print the rows of one embedding model; for the emulator's, words lead, and there is a row for words alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        await build(path, corpus, embedding([passage.text for passage in corpus.passages]))
        passages = Passages(path)
        index = EmbeddedIndex(passages, words_lead=emulated)
        asked = {kind: embedding([one.text for one in questions]) for kind, questions in corpus.questions.items()}
        methods = {f"vectors of {model}": (True, False), f"both, {model}": (True, True)}
        if emulated:
            methods = {"words alone": (False, True), **methods}
        for name, (by_vectors, by_words) in methods.items():
            found = [
                await ranks(index, questions, asked[kind] if by_vectors else None, words=by_words)
                for kind, questions in corpus.questions.items()
            ]
            print(row(name, found), flush=True)
        await passages.close()


async def main() -> None:
    """Print the table."""
    install()
    corpus = read()
    kinds = [f"{kind} ({len(questions)})" for kind, questions in corpus.questions.items()]
    print(f"{len(corpus.passages):,} passages of {len(set(corpus.documents)):,} documents; recall@{RECALL_AT} / MRR\n")
    print(f"| found by | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}")
    await measure(corpus, "the emulator", emulated, emulated=True)
    await measure(corpus, "a small model", embedder(), emulated=False)


if __name__ == "__main__":
    asyncio.run(main())
