"""The command line: `python -m gateway.cli`, and the command `liveroom`."""
