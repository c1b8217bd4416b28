"""Azure AI Search as an index of documents."""
