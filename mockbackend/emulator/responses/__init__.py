"""The Responses API: another wire of chat. The same rules serve it, and give the same answers."""
