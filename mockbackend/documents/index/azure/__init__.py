"""The index in Azure AI Search."""
