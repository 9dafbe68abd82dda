"""Side-by-side measurements, run by one command."""
