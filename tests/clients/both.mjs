/**
 * One page of the host: the official JavaScript client with `/live` and `/console` on one Manager, and so on one
 * transport, as `io(url + "/live")` and `io(url + "/console")` are.
 *
 *   node tests/clients/both.mjs http://127.0.0.1:8000 --room ROOM [--codec json|msgpack] [--transport websocket|...]
 *
 * The host's token comes as the first line of standard input. Prints one line for each thing that held; exit status 0
 * when all of them did. The show is live, and is ended.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { open } from "./socket.mjs";

const ALL_MS = 15_000;
const LOOK_MS = 5;
const AGAIN_MS = 500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { room: { type: "string" }, codec: { type: "string" }, transport: { type: "string" } },
});
const { room, ...wire } = values;
const [token] = await once(createInterface({ input: process.stdin }), "line");

/** A namespace of the shared transport, and all it has heard since it was last asked in. */
class Side {
  constructor(socket) {
    this.socket = socket;
    this.events = [];
    this.lost = [];
    socket.onAny((event, data) => this.events.push({ event, data }));
    socket.on("disconnect", (reason) => this.lost.push(reason));
    socket.on("connect_error", (error) => this.lost.push(error.message));
  }

  connect() {
    this.events = [];
    this.socket.connect();
  }

  /** The first event is `welcome`. */
  async isWelcome() {
    await until(() => this.socket.connected && this.events.length > 0);
    assert.equal(this.events[0].event, "welcome");
  }

  hears(event, matches = () => true) {
    return until(() => this.events.find((one) => one.event === event && matches(one.data))?.data);
  }

  call(command, payload) {
    return this.socket.timeout(ALL_MS).emitWithAck(command, payload);
  }

  /** After CONNECTs that were given up: the client takes the answer to an earlier one for that to the last, so that an event may
   * meet the server while the last is being decided, which nobody answers, and what was under way to an earlier one is told. */
  async isInAtLast() {
    await this.hears("welcome");
    while (!(await this.socket.timeout(AGAIN_MS).emitWithAck("clock", { t0: 1 }).catch(() => undefined)));
  }

  async answers() {
    assert.equal((await this.call("clock", { t0: 1 })).ok, true);
  }
}

async function until(find) {
  for (;;) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

const auth = { token, room };
const again = { reconnectionDelay: 10, reconnectionDelayMax: 100, randomizationFactor: 0 };
const first = open(positionals[0], "/live", { ...wire, ...again, auth });
const live = new Side(first);
const desk = new Side(first.io.socket("/console", { auth }));
const both = [live, desk];

async function comeInTogether() {
  for (const side of both) side.connect();
  for (const side of both) await side.isWelcome();
}

async function areCarriedByOneTransport() {
  const { engine } = first.io;
  if (wire.transport === "upgrade") await until(() => engine.transport.name === "websocket");
  assert.equal(engine.transport.name, wire.transport === "polling" ? "polling" : "websocket");
  assert.equal(desk.socket.io.engine, engine);
}

/** Each change of the room, and each line, on both sides; the last value of each kind at least. */
async function hearTheSame() {
  for (let slow_ms = 1000; slow_ms >= 0; slow_ms -= 100) {
    assert.equal((await desk.call("room:switches", { slow_ms })).ok, true);
  }
  for (const side of both) await side.hears("room", (told) => told.switches.slow_ms === 0);
  for (const side of both) await side.hears("presence");
  const said = await live.call("danmaku", { text: "安可" });
  assert.equal(said.ok, true);
  for (const side of both) await side.hears("danmaku", (told) => told.items.some((item) => item.id === said.data.id));
}

async function leaveAndComeBackAlone() {
  for (const [side, other] of [both, [desk, live]]) {
    const { id } = other.socket;
    side.socket.disconnect();
    await other.answers();
    side.connect();
    await side.isWelcome();
    await side.answers();
    assert.equal(other.socket.id, id);
  }
}

/** What a page does whose parts come and go: the client says nothing of a CONNECT that it has given up. */
async function changeTheirMinds() {
  for (const side of both) {
    side.socket.disconnect();
    for (let turn = 0; turn < 4; turn++) {
      side.connect();
      side.socket.disconnect();
    }
    side.connect();
    await side.isInAtLast();
    side.socket.disconnect();
    side.connect();
    side.socket.disconnect();
    await both.find((one) => one !== side).answers(); // the CONNECT that was given up is decided by now
    side.connect();
    await side.isInAtLast();
  }
}

async function comeBackTogether() {
  for (const side of both) side.events = [];
  first.io.engine.close();
  for (const side of both) await side.isWelcome();
  for (const side of both) await side.answers();
}

async function endAlone() {
  for (const side of both) side.lost = [];
  assert.equal((await desk.call("show:phase", { phase: "ended" })).ok, true);
  assert.equal((await live.hears("bye")).code, "ROOM_ENDED");
  await until(() => live.lost.includes("io server disconnect"));
  live.connect();
  await until(() => live.lost.includes("ROOM_ENDED"));
  await desk.answers();
  assert.deepEqual(desk.lost, []);
}

const late = setTimeout(() => {
  console.error(`not all of it within ${ALL_MS} ms; heard`, ...both.map((side) => [side.lost, side.events.map((one) => one.event)]));
  process.exit(1);
}, ALL_MS);
for (const hold of [
  comeInTogether,
  areCarriedByOneTransport,
  hearTheSame,
  leaveAndComeBackAlone,
  changeTheirMinds,
  comeBackTogether,
  endAlone,
]) {
  await hold();
  console.log(hold.name);
}
clearTimeout(late);
process.exit(0);
