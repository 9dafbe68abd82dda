"""The sandbox payment provider: a separate process that speaks real signed HTTP. TEST MONEY only."""
