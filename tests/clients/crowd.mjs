/**
 * Many fans with the official JavaScript client, who come back by themselves.
 *
 *   node tests/clients/crowd.mjs http://127.0.0.1:8000 --room ROOM [--codec json|msgpack] [--transport websocket|...]
 *
 * The first line of standard input is a JSON list of their tokens. Each further one, `{"fan", "event", "payload"}`, has
 * one of them say something; its end is theirs. Every event is a line of JSON, `{"fan", "event", "data"}`. `connect`
 * tells the id of the Engine.IO session and its transport, `upgrade` a change of that, `ack` an answer.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { open } from "./socket.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { room: { type: "string" }, codec: { type: "string" }, transport: { type: "string" } },
});
const { room, ...wire } = values;
const input = createInterface({ input: process.stdin });
const [tokens] = await once(input, "line");
const tell = (fan, event, data) => console.log(JSON.stringify({ fan, event, data }));

const fans = JSON.parse(tokens).map((token, fan) => {
  const socket = open(positionals[0], "/live", {
    ...wire,
    auth: { token, room },
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
  });
  socket.onAny((event, data) => tell(fan, event, data));
  socket.on("connect", () => {
    const { engine } = socket.io;
    engine.on("upgrade", (transport) => tell(fan, "upgrade", transport.name));
    tell(fan, "connect", { session: engine.id, transport: engine.transport.name });
  });
  socket.on("disconnect", (reason) => tell(fan, "disconnect", { reason }));
  socket.on("connect_error", (error) => tell(fan, "connect_error", { message: error.message, data: error.data }));
  socket.connect();
  return socket;
});
input.on("line", async (line) => {
  const { fan, event, payload } = JSON.parse(line);
  tell(fan, "ack", await fans[fan].emitWithAck(event, payload));
});
await once(input, "close");
for (const fan of fans) fan.disconnect();
