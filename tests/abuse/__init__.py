"""Attacks on a whole gateway over loopback: short in `make test`, in full with `make abuse`."""
