"""Who may do more than watch."""
