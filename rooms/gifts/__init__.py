"""Decides what may be given at which price, and who gave most; counts likes."""
