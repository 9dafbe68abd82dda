/**
 * The official JavaScript client against `python -m tests.protocol_app socketio`: everything a client can do.
 *
 *   node tests/clients/protocol.mjs http://localhost:3000 [--codec json|msgpack] [--transport websocket|polling|upgrade]
 *
 * Prints one line for each thing that held; exit status 0 when all of them did.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { open } from "./socket.mjs";

const ALL_MS = 15_000;
const NUMBERED = 300;
const HEARTBEATS = 2;

const { values: wire, positionals } = parseArgs({
  allowPositionals: true,
  options: { codec: { type: "string", default: "json" }, transport: { type: "string", default: "websocket" } },
});
const bytes = Buffer.from([0, 1, 254, 255]);
const [nothing, told] = [{}, { token: "123" }];

const enter = (namespace, auth, options) =>
  open(positionals[0], namespace, { ...wire, path: "/socket.io/", reconnectionDelay: 10, auth, ...options });

/** What the next event of this name carries. */
const heard = (socket, event) => once(socket, event);

async function isLetIn() {
  const socket = enter("/", told);
  socket.connect();
  assert.deepEqual(await heard(socket, "auth"), [told]);
  return socket;
}

/** Numbers sent at once, the upgrade in their middle, come back each once and in order. */
async function keepsOrder(socket) {
  const back = [];
  const all = new Promise((resolve) =>
    socket.on("message-back", (number) => back.push(number) === NUMBERED && resolve()),
  );
  for (let number = 0; number < NUMBERED; number++) {
    socket.emit("message", number);
    if (number % 20 === 0) await new Promise(setImmediate);
  }
  await all;
  socket.off("message-back");
  assert.deepEqual(back, [...Array(NUMBERED).keys()]);
}

async function isCarriedAsAsked(socket) {
  const { engine } = socket.io;
  if (wire.transport === "upgrade" && engine.transport.name !== "websocket") await once(engine, "upgrade");
  assert.equal(engine.transport.name, wire.transport === "polling" ? "polling" : "websocket");
}

async function saysAnything(socket) {
  const anything = [1, "安可 🎤", { deep: [true, null, { bytes }] }, bytes, [], Buffer.alloc(0)];
  socket.emit("message", ...anything);
  assert.deepEqual(await heard(socket, "message-back"), anything);
  assert.deepEqual(await socket.timeout(ALL_MS).emitWithAck("message-with-ack", { a: 1 }), { a: 1 });
  assert.deepEqual(await socket.timeout(ALL_MS).emitWithAck("message-with-ack", bytes), bytes);
  socket.once("question", (asked, answer) => answer(asked, bytes));
  socket.emit("ask", "why");
  assert.deepEqual(await heard(socket, "answered"), ["why", bytes]);
}

async function sharesItsTransport(socket) {
  const custom = socket.io.socket("/custom", { auth: nothing });
  custom.connect();
  assert.deepEqual(await heard(custom, "auth"), [nothing]);
  assert.notEqual(custom.id, socket.id);
  custom.emit("message", "custom");
  assert.deepEqual(await heard(custom, "message-back"), ["custom"]);
  custom.emit("leave");
  assert.deepEqual(await heard(custom, "disconnect"), ["io server disconnect", undefined]);

  const random = socket.io.socket("/random", { auth: nothing });
  random.connect();
  const [refusal] = await heard(random, "connect_error");
  assert.equal(refusal.message, "Invalid namespace");
  random.disconnect();
  await answers(socket);
}

async function answers(socket) {
  assert.equal(await socket.timeout(ALL_MS).emitWithAck("message-with-ack", "there?"), "there?");
}

async function livesOn(socket) {
  const { engine } = socket.io;
  for (let beat = 0; beat < HEARTBEATS; beat++) await once(socket.io, "ping");
  await answers(socket);
  assert.equal(socket.io.engine, engine);
}

async function comesBack(socket) {
  const before = socket.id;
  socket.io.engine.close();
  assert.deepEqual(await heard(socket, "auth"), [told]);
  assert.notEqual(socket.id, before);
  await answers(socket);
  socket.disconnect().connect();
  assert.deepEqual(await heard(socket, "auth"), [told]);
  await answers(socket);
}

const late = setTimeout(() => {
  console.error(`not all of it within ${ALL_MS} ms`);
  process.exit(1);
}, ALL_MS);
const socket = await isLetIn();
console.log("isLetIn");
for (const holds of [keepsOrder, isCarriedAsAsked, saysAnything, sharesItsTransport, livesOn, comesBack]) {
  await holds(socket);
  console.log(holds.name);
}
socket.disconnect();
clearTimeout(late);
