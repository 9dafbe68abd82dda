"""Who may do more than watch, and which tokens were taken back."""
