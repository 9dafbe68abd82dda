"""The rooms on this gateway and the sockets in them: delivers, tells, runs commands, mends after gaps."""
