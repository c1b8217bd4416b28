"""The commands and the processes: what starts, watches and ends the service."""
