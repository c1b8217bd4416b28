"""A small real embedding model whose weights come in its package: averaged token vectors of 256 numbers (wordllama)."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any


def embedder() -> Callable[[Sequence[str]], Any]:
    """What embeds texts with it, without a network."""
    from wordllama import WordLlama

    # The package looks for its tokenizer in another folder than it brings it in, and would then download it.
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(str(files("wordllama"))) / "tokenizers", Path(folder) / "tokenizers")
        model = WordLlama.load(cache_dir=Path(folder), disable_download=True)
    return lambda texts: model.embed(list(texts), norm=True)
