"""The files of deploy/ and the README's commands, each run for real."""
