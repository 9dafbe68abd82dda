"""Many processes on one port: a supervisor, and siblings that hand each other the requests of their sessions."""
