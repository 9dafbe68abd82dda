"""What a process needs before it is anything: settings, checks, clock, ids, logs, metrics, event loop."""
