"""Decides how the evening goes: phases, switches, schedule, countdowns."""
