"""The wire: how events and stored messages are framed for a front end."""
