"""An emulator of Azure OpenAI and Azure AI Search: what they put on the wire for the calls that it knows.

It imports nothing of the service around it, so it can stand in for Azure in any program.
"""
