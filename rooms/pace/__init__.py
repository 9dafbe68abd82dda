"""How often a person may do something, over all their sockets."""
