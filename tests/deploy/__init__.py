"""The ways in which the service is run, each for real."""
