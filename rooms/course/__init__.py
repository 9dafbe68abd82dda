"""How the evening goes: phases, switches, schedule, countdowns."""
