"""Chat completions, streamed and whole."""
