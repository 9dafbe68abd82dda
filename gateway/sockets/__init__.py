"""Socket.IO behind one facade: nothing outside this package knows the library."""
