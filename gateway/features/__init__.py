"""What the gateway can do, a folder each: payloads, news, commands, routes."""
