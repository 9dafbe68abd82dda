"""Engine.IO v4 for very many sockets: a pure core (packets, session, backlog) and thin shells (WebSocket, polling).

It knows nothing of Socket.IO, rooms or rights, and imports nothing from the rest of the project.

* `frames` and `packets`: what travels, on each transport.
* `session`: the protocol's states; `backlog`: what waits for a slow peer. Neither does I/O nor knows a clock.
* `wheel`: every deadline of every socket on one timer.
* `ports`: what a socket needs of those around it, and what the application is. `ports <- socket <- engine <- websocket,
  polling <- http`, and nothing turns back.
* `socket`: one peer as the application sees it; `engine`: all of them.
* `websocket` and `polling`: the two transports; `http`: the uvicorn protocol class that leads to the first.

The protocol: https://github.com/socketio/engine.io-protocol (revision 4).
"""
