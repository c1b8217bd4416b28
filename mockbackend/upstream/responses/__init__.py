"""The Responses API as the wire of chat: its requests, its stream, and what it calls the parameters of chat."""
