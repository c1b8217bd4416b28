"""The process that queries the embedded index and reports times, memory and recall."""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.procfs import resident_bytes

USER = "user"


@dataclass(frozen=True)
class Queries:
    """Questions as text and as vectors, two filters, and the nearest passages for all files and each filter."""

    words: list[str]
    vectors: list[list[float]]
    filters: list[list[str]]
    nearest: list[list[list[list[int]]]]
    """(file, place) of the passages nearest to each question."""

    def as_json(self) -> dict[str, Any]:
        """The arguments of `Queries(**...)`."""
        return asdict(self)


async def ask(path: Path, queries: Queries) -> dict[str, float]:
    """Run the queries; return milliseconds, megabytes, and recall."""
    # Imported late, as in the service.
    from mockbackend.documents.index.embedded import EmbeddedIndex
    from mockbackend.storage.embedded.passages import Passages

    figures = {"before": resident_bytes(os.getpid()) / 1e6}
    began = time.perf_counter()
    import numpy as np

    vectors = [np.array(vector, np.float32) for vector in queries.vectors]
    passages = Passages(path)
    index = EmbeddedIndex(passages)
    await index.search(USER, queries.words[0], vectors[0], None, 10)
    figures["first"] = (time.perf_counter() - began) * 1000
    kinds: dict[str, tuple[list[str], list[Any]]] = {
        "vectors": ([""] * len(vectors), vectors),
        "words": (queries.words, [None] * len(vectors)),
        "hybrid": (queries.words, vectors),
    }
    for kind, (words, of_vectors) in kinds.items():
        times = []
        for text, vector in zip(words, of_vectors, strict=True):
            began = time.perf_counter()
            await index.search(USER, text, vector, None, 10)
            times.append((time.perf_counter() - began) * 1000)
        figures |= {kind: median(times), f"{kind} 95": quantiles(times, n=20)[-1]}
    figures["memory"] = resident_bytes(os.getpid()) / 1e6
    wheres = ("all files", "half of the files", "20 files")
    for where, file_ids, nearest in zip(wheres, [None, *queries.filters], queries.nearest, strict=True):
        hits = 0
        for vector, expected in zip(vectors, nearest, strict=True):
            found = await index.search(USER, "", vector, file_ids, len(expected))
            got = {(one.file_id, one.passage.place) for one in found}
            hits += len(got & {(f"f{file}", f"page {place + 1}") for file, place in expected})
        figures[where] = hits / sum(len(expected) for expected in nearest)
    await passages.close()
    return figures


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(Path(sys.argv[1]), Queries(**json.loads(Path(sys.argv[2]).read_text()))))))
