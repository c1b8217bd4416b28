"""The files of docs/testing.md, which are run as they stand there."""
