"""Embeddings: deterministic vectors, near each other where texts share words."""
