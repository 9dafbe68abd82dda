"""What each client event does. The table of events is gateway/contract/registry.py."""
