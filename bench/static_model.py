"""A small real embedding model with its weights in the package: wordllama's averaged token vectors of 256 numbers."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any


def embedder() -> Callable[[Sequence[str]], Any]:
    """A function that embeds texts, without a network."""
    from wordllama import WordLlama

    # The package looks for its tokenizer in the wrong folder, and would download it.
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(str(files("wordllama"))) / "tokenizers", Path(folder) / "tokenizers")
        model = WordLlama.load(cache_dir=Path(folder), disable_download=True)
    return lambda texts: model.embed(list(texts), norm=True)
