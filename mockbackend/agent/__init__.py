"""The loop of model and tools, as a LangGraph graph."""
