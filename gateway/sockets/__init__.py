"""Socket.IO behind one facade: nothing outside this package knows the library.

Four objects stand for one person, each above the one before it:

* `gateway.engine.socket.Socket`: one transport session, polling or WebSocket; it knows packets of bytes and text.
* `peer.Peer`: what the socket server keeps of that transport, which several namespaces may share.
* `connection.Connection`: one namespace on it that was let in; events, acks and `bye`.
* a `connection.Receiver`, the application's side of a connection: `gateway.live.member.Member`.
"""
