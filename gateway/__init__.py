"""The imperative shell: sockets, HTTP, settings, CLI, composition."""

__version__ = "0.1.0"
"""Of the whole package: `liveroom --version`, `/livez`, the image in deploy/compose.yaml and the tag of a release."""
