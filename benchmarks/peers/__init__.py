"""Servers to be measured against; `stock.py` is started as a program."""
