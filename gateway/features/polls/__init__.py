"""Questions to everybody."""
