"""`python -m mockbackend`: the same commands as `mockbackend`."""

from mockbackend.cli import main

main()
