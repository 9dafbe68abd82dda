"""The imperative shell: sockets, HTTP, settings, CLI, composition."""
