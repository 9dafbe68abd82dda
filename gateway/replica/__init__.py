"""What a gateway knows of a room, without I/O: newest values, recent history, guest list, rights, welcome."""
