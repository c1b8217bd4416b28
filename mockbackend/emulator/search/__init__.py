"""Azure AI Search as the emulator speaks it: indexes, batches of documents, and queries by words and vectors."""
