"""Azure AI Search: indexes, batches of documents, and queries by words and vectors."""
