"""The data stream of assistant-ui."""
