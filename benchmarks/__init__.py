"""The gateway and its peers under one load, in one run. `make bench`; see README.md."""
