"""What fans, staff, providers and timers may ask of the box office: load, decide, save, announce."""
