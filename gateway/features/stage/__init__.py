"""Who asks to come on stage, who is invited, who is on."""
