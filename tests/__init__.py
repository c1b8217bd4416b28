"""Tests of the running service; `bash tests/run` does their set-up and runs them."""
