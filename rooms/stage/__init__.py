"""Decides who asks, who is invited and who is on stage."""
