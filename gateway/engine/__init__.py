"""Engine.IO v4 for very many sockets: a pure core (packets, session, backlog) and thin shells (WebSocket, polling).

The package knows nothing of Socket.IO, rooms or rights, and imports nothing from the rest of the project.

* `frames` and `packets`: the encoding of a message on each transport.
* `session`: the protocol's state machine; `backlog`: the queue of a slow peer. Neither does I/O or reads a clock.
* `wheel`: keeps all deadlines of all sockets on one timer.
* `ports`: the interfaces between a socket, the engine, its transports and the application. Imports run one way:
  `ports <- socket <- engine <- websocket, polling <- http`.
* `socket`: one peer as the application sees it; `engine`: all sockets of one path.
* `websocket` and `polling`: the two transports; `http`: the uvicorn protocol class that hands upgrades to the first.

The protocol: https://github.com/socketio/engine.io-protocol (revision 4).
"""
