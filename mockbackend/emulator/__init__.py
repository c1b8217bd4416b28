"""An emulator of Azure OpenAI: chat, pictures and embeddings as Azure puts them on the wire.

It imports nothing of the service around it, so that it can stand in for Azure in any program.
"""
