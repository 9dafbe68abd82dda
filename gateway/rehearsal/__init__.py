"""`liveroom rehearse`: a crowd on real sockets against a running server, and what it saw held against SQL."""
