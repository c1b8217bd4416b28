"""Images: made from a prompt, fetched from a URL, recognized by their first bytes."""
