"""The commands and the processes, executed for real."""
