"""Other engines than Azure, in whose shapes the emulator answers a chat call."""
