"""`python -m mockbackend`: the same commands as `mockbackend`."""

from mockbackend.server.cli import main

main()
