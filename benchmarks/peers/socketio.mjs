// A socket.io server as its guide writes one, with the danmaku of the gateway's contract.
// node socketio.mjs PORT json|msgpack hall|alone|answer
//   hall: everybody is in one room and hears every danmaku; alone: the sender hears it; answer: an ack and nothing else
import { Server } from "socket.io";
import * as msgpack from "socket.io-msgpack-parser";

const [port, codec, scene] = process.argv.slice(2);
const io = new Server(Number(port), codec === "msgpack" ? { parser: msgpack.default ?? msgpack } : {});
let count = 0;

const id = () => `01BENCH${String(count++).padStart(19, "0")}`;

io.on("connection", (socket) => {
  const user = `fan-${String(count++).padStart(5, "0")}`;
  const room = scene === "hall" ? "hall" : socket.id;
  socket.join(room);
  socket.on("danmaku", ({ text }, ack) => {
    const item = { id: id(), user, name: `Fan ${user.slice(4)}`, text, tier: "main", at_ms: Date.now() };
    if (scene !== "answer") io.to(room).emit("danmaku", item, item.id.slice(-8));
    ack?.({ ok: true, data: { id: item.id } });
  });
});
