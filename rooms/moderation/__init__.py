"""Decides who is muted, banned or kicked, and which danmaku are taken back."""
