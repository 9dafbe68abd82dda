/**
 * Walks through an evening on a running demo, with the official JavaScript client, as one fan, a host and a stranger:
 *
 *   node tests/clients/walk.mjs [http://127.0.0.1:8000] [--codec json|msgpack] [--transport websocket|polling|upgrade]
 *
 * Foyer, may not speak, buys, promoted within a second of the cashier, show goes live, speaks, gives, a stranger is
 * refused with the offer, refunded, demoted within a second, may not speak. Prints every step with the time it took;
 * exit status 0 when all of it held, else 1. The show that `GET /demo/show` names is played to its end.
 */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { CODECS, TRANSPORTS, open } from "./socket.mjs";

const STEP_MS = 10_000;
const RIGHTS_WITHIN_MS = 1_000;
const LEAVE_MS = 500;
const SAID = "安可! 🎤";

class Broken extends Error {}

function expect(holds, wanted, seen) {
  if (!holds) throw new Broken(`expected ${wanted}, saw ${JSON.stringify(seen)}`);
}

function arguments_() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { codec: { type: "string", default: "json" }, transport: { type: "string", default: "websocket" } },
  });
  const where = positionals[0] ?? "http://127.0.0.1:8000";
  if (!URL.canParse(where)) throw new Broken(`${where} is no URL`);
  const url = new URL(where).origin;
  if (positionals.length > 1) throw new Broken("one URL is enough");
  if (!CODECS.includes(values.codec)) throw new Broken(`--codec is one of ${CODECS.join(", ")}`);
  if (!TRANSPORTS.includes(values.transport)) throw new Broken(`--transport is one of ${TRANSPORTS.join(", ")}`);
  return { url, wire: values };
}

/** One socket and all it has heard, each event with the time of its arrival. */
class Visitor {
  constructor(url, namespace, wire, auth) {
    this.heard = [];
    this.refusal = undefined;
    this.lost = undefined;
    this.waiting = new Set();
    this.socket = open(url, namespace, { ...wire, auth, reconnection: false });
    this.socket.onAny((event, data) => this.news(() => this.heard.push({ event, data, at: performance.now() })));
    this.socket.on("connect_error", (error) => this.news(() => (this.refusal = { message: error.message, data: error.data })));
    this.socket.on("disconnect", (reason) => this.news(() => (this.lost = reason)));
  }

  /** The welcome. */
  async enter() {
    this.socket.connect();
    const outcome = await this.until(() => this.refusal ?? this.heard[0], "an answer to CONNECT");
    expect(outcome.event === "welcome", "welcome as the first event", outcome);
    return outcome.data;
  }

  /** Why it was not let in. */
  async knock() {
    this.socket.connect();
    await this.until(() => this.refusal ?? this.heard[0], "an answer to CONNECT");
    expect(this.refusal !== undefined && this.heard.length === 0, "a refusal and nothing else", this.heard);
    return this.refusal;
  }

  /** The ack of a command. */
  call(command, payload) {
    return this.socket.timeout(STEP_MS).emitWithAck(command, payload);
  }

  /** The first event of this name that matches, heard already or to come. */
  hears(event, matches = () => true) {
    return this.until(() => this.heard.find((one) => one.event === event && matches(one.data)), event);
  }

  async until(find, what) {
    const give_up = performance.now() + STEP_MS;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const left = give_up - performance.now();
      if (left <= 0) throw new Broken(`no ${what} within ${STEP_MS} ms; heard ${this.heard.map((one) => one.event).join(" ")}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.add(() => (clearTimeout(timer), resolve()));
      });
    }
  }

  news(note) {
    note();
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }
}

class Gateway {
  constructor(url) {
    this.url = url;
  }

  async ask(status, path, body, headers = {}) {
    const method = body === undefined ? "GET" : "POST";
    const form = body instanceof URLSearchParams;
    const answer = await fetch(new URL(path, this.url), {
      method,
      headers: { accept: "application/json", ...(body && !form ? { "content-type": "application/json" } : {}), ...headers },
      body: body === undefined || form ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(STEP_MS),
    });
    expect(answer.status === status, `${status} from ${method} ${path}`, answer.status);
    return answer;
  }

  async login(user, role = "viewer") {
    return (await (await this.ask(200, "/demo/login", { user, role })).json()).token;
  }
}

async function walk(url, wire, step) {
  const gateway = new Gateway(url);
  const run = randomUUID().slice(0, 8);
  const show = await (await gateway.ask(200, "/demo/show")).json();
  const tokens = {
    fan: await gateway.login(`fan-${run}`),
    host: await gateway.login(`host-${run}`, "host"),
    stranger: await gateway.login(`stranger-${run}`),
  };
  const visitor = (name, namespace) => new Visitor(url, namespace, wire, { token: tokens[name], room: show.room });
  const [fan, host, stranger] = [visitor("fan", "/live"), visitor("host", "/console"), visitor("stranger", "/live")];
  const evening = { gateway, run, show, ticket: show.products.find((product) => product.tier === "main"), fan, host, stranger, step };
  evening.bearer = { authorization: `Bearer ${tokens.fan}` };
  try {
    const order = await comesAndBuys(evening);
    await isAtTheShow(evening);
    await returnsTheTicket(evening, order);
    const carried = fan.socket.io.engine.transport.name;
    expect(carried === (wire.transport === "polling" ? "polling" : "websocket"), `${wire.transport} to carry it`, carried);
    await host.call("show:phase", { phase: "ended" });
  } finally {
    for (const one of [fan, host, stranger]) one.socket.disconnect();
  }
}

async function comesAndBuys({ gateway, run, show, ticket, fan, bearer, step }) {
  const welcome = await fan.enter();
  expect(welcome.you.tier === "none" && welcome.streams.length === 0, "a foyer: no ticket, no stream", welcome.you);
  step("is in the foyer, without a ticket and without a stream");
  await mayNotSpeak(fan);
  step("may not speak: TICKET_REQUIRED");

  const cart = { show: show.show, items: [{ product: ticket.id, quantity: 1 }], provider: "sandbox" };
  const order = await (await gateway.ask(201, "/api/v1/orders", cart, { ...bearer, "idempotency-key": run })).json();
  expect(order.state === "pending" && order.amount_minor === ticket.price_minor, "a pending order at the price", order);
  step(`orders "${ticket.name}" for ${order.amount_minor} ${order.currency} (minor units), order ${order.order}`);

  await gateway.ask(200, order.pay_url, new URLSearchParams({ action: "pay" }));
  const paid_at = performance.now();
  step("pays at the cashier");
  const promoted = await fan.hears("tier", (tier) => tier.tier === "main");
  step(`is promoted on the open socket, ${inTime(promoted, paid_at)} ms after the cashier`);
  return order;
}

async function isAtTheShow({ gateway, ticket, fan, host, stranger, step }) {
  await host.enter();
  for (const phase of ["doors", "live"]) {
    const moved = await host.call("show:phase", { phase });
    expect(moved.ok, `the phase ${phase}`, moved);
  }
  const live = await fan.hears("tier", (tier) => tier.permissions.includes("stream:main"));
  expect(live.data.streams.map((grant) => grant.stream).join() === "main", "a grant for main alone", live.data.streams);
  await gateway.ask(200, live.data.streams[0].url);
  step("the show goes live, and the stream main plays");

  const said = await fan.call("danmaku", { text: SAID });
  expect(said.ok, "an accepted danmaku", said);
  await host.hears("danmaku", (danmaku) => danmaku.items.some((item) => item.id === said.data.id && item.text === SAID));
  step(`speaks, and the host reads it: ${SAID}`);

  const gift = { gift: "rose", count: 3, key: randomUUID() };
  const [given, again] = [await fan.call("gift", gift), await fan.call("gift", gift)];
  expect(given.ok && again.data?.id === given.data.id, "one gift for one key", [given, again]);
  expect(again.data.wallet.credits === given.data.wallet.credits, "one payment for one key", again);
  await host.hears("gift", (gifts) => gifts.items.some((item) => item.id === given.data.id && item.count === 3));
  step(`gives three roses, once though sent twice; ${given.data.wallet.credits} credits are left`);

  const refusal = await stranger.knock();
  expect(refusal.message === "TICKET_REQUIRED" && refusal.data.retryable === false, "TICKET_REQUIRED", refusal);
  expect(refusal.data.products.some((product) => product.id === ticket.id), "an offer with the ticket", refusal.data);
  step(`a stranger is refused with the offer: ${refusal.data.products.map((product) => product.name).join(", ")}`);
}

async function returnsTheTicket({ gateway, fan, bearer, step }, order) {
  const reason = { reason: "cannot come" };
  const refund = await (await gateway.ask(202, `/api/v1/orders/${order.order}/refunds`, reason, bearer)).json();
  const refunded_at = performance.now();
  step(`is refunded ${refund.amount_minor} ${refund.currency}, the roses deducted`);
  const demoted = await fan.hears("tier", (tier) => tier.reason === "refund");
  expect(demoted.data.tier === "none" && demoted.data.streams.length === 0, "no ticket and no stream", demoted.data);
  step(`is demoted on the open socket, ${inTime(demoted, refunded_at)} ms after the answer`);
  await mayNotSpeak(fan);
  expect(fan.lost === undefined, "an open socket", fan.lost);
  step("may not speak: TICKET_REQUIRED, and is still in the foyer");
}

async function mayNotSpeak(fan) {
  const silent = await fan.call("danmaku", { text: SAID });
  expect(silent.ok === false && silent.error.code === "TICKET_REQUIRED", "TICKET_REQUIRED", silent);
}

/** How long after a moment a right changed on the open socket, in ms: at most a second. */
function inTime(heard, since) {
  const took_ms = Math.max(0, heard.at - since);
  expect(took_ms <= RIGHTS_WITHIN_MS, `other rights within ${RIGHTS_WITHIN_MS} ms`, took_ms);
  return took_ms.toFixed(0);
}

async function main() {
  const began = performance.now();
  let last = began;
  const step = (text) => {
    const now = performance.now();
    console.log(`${(now - last).toFixed(0).padStart(6)} ms  ${text}`);
    last = now;
  };
  try {
    const { url, wire } = arguments_();
    console.log(`${url}, ${wire.codec} over ${wire.transport}`);
    await walk(url, wire, step);
    console.log(`${(last - began).toFixed(0).padStart(6)} ms  all of it held`);
    return 0;
  } catch (error) {
    const why = error instanceof Broken ? error.message : `${error.message}${error.cause ? `: ${error.cause.message}` : ""}`;
    console.error(`FAILED after ${(performance.now() - began).toFixed(0)} ms: ${why}`);
    return 1;
  }
}

process.exitCode = await main();
setTimeout(() => process.exit(), LEAVE_MS).unref(); // the sockets say goodbye first; nothing else may hold us
