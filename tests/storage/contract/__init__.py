"""The contract of storage, as tests that hold every engine to it.

They use the Protocols of `mockbackend.storage` and `open_storage`, and of an engine only what `engines.Engine` lists:
each engine has a row there, and the same tests.
"""
