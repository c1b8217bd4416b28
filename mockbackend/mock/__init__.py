"""The mock: what a front end's tests ask of the service, and what the emulator answers by."""
