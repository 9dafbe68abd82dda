"""Socket.IO behind one facade: nothing outside this package knows the library.

Four objects stand for one client, each above the one before it:

* `gateway.engine.socket.Socket`: one Engine.IO session, over polling or a WebSocket; it carries packets of bytes and
text.
* `peer.Peer`: what the socket server knows of that transport, which several namespaces may share.
* `connection.Connection`: one namespace on the transport that was let in; it carries events, acks and `bye`.
* a `connection.Receiver`, the application's side of a connection: `gateway.live.member.Member`.
"""
