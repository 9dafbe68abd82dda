"""Hours in minutes: two gateways, Redis and a crowd that comes and goes in every way. `make soak`; see ../README.md."""
