"""The chat completions API: the request that is sent, and the stream that answers it."""
