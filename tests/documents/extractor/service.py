"""`python -m tests.documents.extractor.service PATH`: what the service does to read a text, and nothing else."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mockbackend.documents.extraction import Limits, extract
from mockbackend.documents.formats import FORMATS

if __name__ == "__main__":
    asyncio.run(extract(Path(sys.argv[1]), FORMATS["text"], Limits(60, 1 << 30, 10, 1000)))
