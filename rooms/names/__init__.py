"""Which names viewers may not take."""
