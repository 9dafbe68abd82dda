"""Questions to everybody: asked by the host, one vote per person, counted live."""
