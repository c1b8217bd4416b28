"""Images: asking for one, fetching one from a URL in limits, telling what bytes are one."""
