/**
 * A fan with the official JavaScript client who comes back by itself: `auth` is a function, called before every
 * CONNECT, that sends the last cursor.
 *
 *   node tests/clients/fan.mjs http://127.0.0.1:8000 --room ROOM [--codec json|msgpack] [--transport websocket|...]
 *
 * The token comes as the first line of standard input; its end is the fan's. Every event is a line of JSON,
 * `{"event", "data"}`, with the client's own `connect`, `disconnect` and `connect_error` among them.
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
const [token] = await once(input, "line");

let cursor;
const tell = (event, data) => console.log(JSON.stringify({ event, data }));
const socket = open(positionals[0], "/live", {
  ...wire,
  auth: (send) => send({ token, room, ...(cursor ? { cursor } : {}) }),
  reconnectionDelay: 20,
  reconnectionDelayMax: 100,
});
socket.onAny((event, data) => {
  if (typeof data?.cursor === "string") cursor = data.cursor;
  tell(event, data);
});
socket.on("connect", () => tell("connect", { recovered: socket.recovered }));
socket.on("disconnect", (reason) => tell("disconnect", { reason }));
socket.on("connect_error", (error) => tell("connect_error", { message: error.message, data: error.data }));
socket.connect();
await once(input, "close");
socket.disconnect();
