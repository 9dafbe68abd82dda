"""`liveroom rehearse`: a simulated crowd on real sockets against a running server; what it saw is compared with SQL."""
