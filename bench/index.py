"""`python -m bench.index [--passages 100000]`: the embedded index at full size, on one core.

The index is built through its public methods and queried by its own process on one core, whose memory is reported.
Clustered vectors are judged; noise, which no embedding model produces, is shown for comparison. The results of the
vector search are compared with an exact search over the original vectors.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.index_queries import Queries
from bench.synthetic import DIMENSION, PER_FILE, SyntheticPassages
from mockbackend.documents.index.embedded import EmbeddedIndex
from mockbackend.storage.embedded.passages import NAME, Passages, prepare

QUERIES = 200
BATCH = 64
NEAREST = 10
TARGETS = {"hybrid": 25.0, "recall": 0.98, "memory": 400.0}
USER = "user"


async def build(path: Path, corpus: SyntheticPassages, files: int) -> dict[str, float]:
    """Fill the database; return the seconds in total and the CPU seconds per 1,000 passages by step."""
    prepare(path)
    passages = Passages(path)
    index = EmbeddedIndex(passages)
    spent = {"stage": 0.0, "embedded": 0.0, "publish": 0.0}
    wall = 0.0
    for file in range(files):
        texts, vectors, name = corpus.passages(file), corpus.vectors(file), f"f{file}"
        began = time.perf_counter(), time.process_time()
        await passages.stage(name, USER, texts)
        staged = time.process_time()
        for start in range(0, PER_FILE, BATCH):
            await passages.add_vectors(name, list(enumerate(vectors))[start : start + BATCH])
        embedded = time.process_time()
        await index.publish(USER, name, f"report {file}.pdf")
        spent["publish"] += time.process_time() - embedded
        spent["embedded"] += embedded - staged
        spent["stage"] += staged - began[1]
        wall += time.perf_counter() - began[0]
    await passages.close()
    thousands = files * PER_FILE / 1000
    return {"wall": wall, **{step: seconds / thousands for step, seconds in spent.items()}}


def questions(corpus: SyntheticPassages, files: int) -> Queries:
    """Questions near random passages, and the results of an exact search in all files, in half, in twenty."""
    chance = np.random.default_rng(3)
    sources = chance.integers(0, files, QUERIES)
    places = chance.integers(0, PER_FILE, QUERIES)
    vectors = np.stack(
        [corpus.near(corpus.vectors(file)[place], chance) for file, place in zip(sources, places, strict=True)]
    )
    words = [corpus.question(corpus.passages(file)[place], chance) for file, place in zip(sources, places, strict=True)]
    filters = [sorted(chance.choice(files, min(size, files), replace=False).tolist()) for size in (files // 2, 20)]
    cosines = np.empty((QUERIES, files * PER_FILE), np.float32)
    for file in range(files):
        cosines[:, file * PER_FILE : (file + 1) * PER_FILE] = vectors @ corpus.vectors(file).T
    nearest = [_best(cosines)]
    for kept in filters:
        only = np.full_like(cosines, -2)
        for file in kept:
            only[:, file * PER_FILE : (file + 1) * PER_FILE] = cosines[:, file * PER_FILE : (file + 1) * PER_FILE]
        nearest.append(_best(only))
    return Queries(words, vectors.tolist(), [[f"f{file}" for file in kept] for kept in filters], nearest)


def _best(cosines: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> list[list[list[int]]]:
    best = np.argsort(-cosines, axis=1)[:, :NEAREST]
    return np.stack([best // PER_FILE, best % PER_FILE], axis=2).tolist()


def measure(path: Path, queries: Queries) -> dict[str, float]:
    """Query in a new process on one core."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(queries.as_json(), file)
        file.flush()
        command = [sys.executable, "-m", "bench.index_queries", str(path), file.name]
        cpu = min(os.sched_getaffinity(0))
        done = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {cpu})
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def run(passages: int, clustered: bool) -> dict[str, str]:
    """Build and measure one kind of vectors; return the table's cells."""
    corpus = SyntheticPassages(clustered)
    files = passages // PER_FILE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        built = asyncio.run(build(path, corpus, files))
        size = sum(one.stat().st_size for one in path.parent.iterdir())
        figures = measure(path, questions(corpus, files))
    per_thousand = " + ".join(f"{built[step] * 1000:.0f}" for step in ("stage", "embedded", "publish"))
    rows = {
        "build, s": f"{built['wall']:.0f}",
        "CPU for 1,000 passages (stage + embedded + publish), ms": per_thousand,
        "database, MB": f"{size / 1e6:.0f}",
        "first query after the start, ms": f"{figures['first']:.0f}",
        "memory of the process before, MB": f"{figures['before']:.0f}",
        "memory of the process, MB (at most 400)": f"{figures['memory']:.0f}",
    }
    for kind in ("vectors", "words", "hybrid"):
        bar = " (at most 25)" if kind == "hybrid" else ""
        rows[f"query by {kind}, ms, median{bar}"] = f"{figures[kind]:.1f}"
        rows[f"query by {kind}, ms, 95th percentile"] = f"{figures[f'{kind} 95']:.1f}"
    for where in ("all files", "half of the files", "20 files"):
        rows[f"recall@10, {where} (at least 0.98)"] = f"{figures[where]:.3f}"
    return rows | {"": ("pass" if _passed(figures) else "FAIL") if clustered else "not judged"}


def _passed(figures: dict[str, float]) -> bool:
    recall = min(figures[where] for where in ("all files", "half of the files", "20 files"))
    return (
        figures["hybrid"] <= TARGETS["hybrid"]
        and figures["memory"] <= TARGETS["memory"]
        and recall >= TARGETS["recall"]
    )


def main() -> None:
    """Print the table; exit with status 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    passages = parser.parse_args().passages
    columns = {kind: run(passages, kind == "clustered") for kind in ("clustered", "noise")}
    print(f"| {passages:,} passages, {DIMENSION:,} dimensions | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}")
    for row in columns["clustered"]:
        print(f"| {row} | {' | '.join(column[row] for column in columns.values())} |")
    sys.exit(any(column[""] == "FAIL" for column in columns.values()))


if __name__ == "__main__":
    main()
