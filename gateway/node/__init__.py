"""Many processes on one port: a supervisor, and workers that find each other's sessions."""
