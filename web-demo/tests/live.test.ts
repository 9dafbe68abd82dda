import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Socket } from "socket.io-client";
import { bestOffset, clockOffset, LiveRoom, type LiveEvent, type LiveOptions, type Login } from "../src/live";

/** What LiveRoom uses of a socket.io-client socket, driven by hand. */
class FakeSocket {
  connected = false;
  attempts = 0;
  sent: [string, unknown][] = [];
  auths: Record<string, string>[] = [];
  ack: (command: string) => unknown = () => ({ ok: true, data: {} });
  private handlers = new Map<string, (data: unknown) => void>();

  constructor(private readonly auth: (send: (auth: Record<string, string>) => void) => void) {}
  on(name: string, handler: (data: unknown) => void): void { this.handlers.set(name, handler); }
  connect(): void { this.attempts++; this.auth((auth) => this.auths.push(auth)); }
  disconnect(): void { if (this.connected) { this.connected = false; this.fire("disconnect", "io client disconnect"); } }
  timeout(): this { return this; }
  async emitWithAck(command: string, payload: unknown): Promise<unknown> { this.sent.push([command, payload]); return this.ack(command); }
  fire(name: string, data?: unknown): void { this.handlers.get(name)?.(data); }
  accept(cursor = "c1"): void { this.connected = true; this.fire("welcome", { cursor, server_ms: Date.now() }); }
  drop(reason: string): void { this.connected = false; this.fire("disconnect", reason); }
}

function open(token: (renew: boolean) => string = () => "t1", options: Partial<LiveOptions> = {}): { live: LiveRoom; socket: FakeSocket; states: () => string[]; logins: () => Login[] } {
  let socket: FakeSocket | undefined;
  const events: LiveEvent[] = [];
  const live = new LiveRoom({ room: "r", token, ...options, connectSocket: (auth) => (socket = new FakeSocket(auth)) as unknown as Socket });
  live.listen((event) => events.push(event));
  live.connect();
  const logins = () => events.flatMap((event) => (event.event === "login" ? [event.data] : []));
  return { live, socket: socket as FakeSocket, logins, states: () => events.flatMap((event) => (event.event === "connection" ? [event.data.state] : [])) };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the way in", () => {
  it("sends token and room, and the last cursor when it comes back", async () => {
    const { socket } = open();
    await settle();
    socket.accept("c1");
    socket.fire("danmaku", { items: [], cursor: "c2" });
    socket.drop("transport close");
    socket.connect();
    await settle();
    expect(socket.auths).toEqual([{ token: "t1", room: "r" }, { token: "t1", room: "r", cursor: "c2" }]);
  });

  it("asks before it takes a seat, takes it when told to, and asks again once it was inside", async () => {
    const { live, socket, states } = open(undefined, { device: "d", asksFirst: true });
    await settle();
    socket.fire("connect_error", { data: { code: "SEAT_TAKEN", retryable: false, devices: 1 } });
    expect(states()).toEqual(["connecting", "refused"]);
    live.connect(true);
    await settle();
    socket.fire("connect_error", { data: { code: "BUSY", retryable: true, retry_after_ms: 1 } });
    await vi.advanceTimersByTimeAsync(1);
    socket.accept();
    socket.drop("transport close");
    socket.connect();
    await settle();
    expect(socket.auths.map((auth) => auth.takeover)).toEqual(["ask", "yes", "yes", "ask"]);
    expect(socket.auths.every((auth) => auth.device === "d")).toBe(true);
  });

  it("is online with the welcome, not before", () => {
    const { socket, states } = open();
    expect(states()).toEqual(["connecting"]);
    socket.accept();
    expect(states()).toEqual(["connecting", "online"]);
  });

  it("stays out after a refusal that nobody but the fan can mend", async () => {
    const { live, socket } = open();
    socket.fire("connect_error", { data: { code: "TICKET_REQUIRED", retryable: false, show: "s", products: [] } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket.attempts).toBe(1);
    expect(live.connection).toMatchObject({ state: "refused", refusal: { code: "TICKET_REQUIRED", show: "s" } });
  });

  it("tries again after a retryable refusal, when the server said", async () => {
    const { socket } = open();
    socket.fire("connect_error", { data: { code: "BUSY", retryable: true, retry_after_ms: 700 } });
    await vi.advanceTimersByTimeAsync(699);
    expect(socket.attempts).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(socket.attempts).toBe(2);
  });

  it("calls a busy door a step of coming back for somebody who was inside", () => {
    const { live, socket } = open();
    socket.accept();
    socket.drop("transport close");
    socket.fire("connect_error", { data: { code: "BUSY", retryable: true, retry_after_ms: 700 } });
    expect(live.connection).toMatchObject({ state: "reconnecting", code: "BUSY" });
  });

  it("takes a new token once when the old one has run out", async () => {
    const renewals: boolean[] = [];
    const { live, socket } = open((renew) => (renewals.push(renew), renew ? "t2" : "t1"));
    await settle();
    socket.fire("connect_error", { data: { code: "TOKEN_EXPIRED", retryable: false } });
    await settle();
    expect(socket.auths.at(-1)).toMatchObject({ token: "t2" });
    socket.fire("connect_error", { data: { code: "TOKEN_EXPIRED", retryable: false } });
    await settle();
    expect(live.connection.state).toBe("refused");
    expect(renewals).toEqual([false, true]);
  });

  it("renews once more when somebody asks for it", async () => {
    const { live, socket } = open((renew) => (renew ? "t2" : "t1"));
    await settle();
    const expired = () => (socket.fire("connect_error", { data: { code: "TOKEN_EXPIRED", retryable: false } }), settle());
    await expired();
    await expired();
    expect(live.connection.state).toBe("refused");
    live.connect();
    await settle();
    expect(socket.auths.map((auth) => auth.token)).toEqual(["t1", "t2", "t2"]);
    expect(live.connection.state).toBe("connecting");
    await expired();
    expect(live.connection.state).toBe("refused");
  });

  it("says why no new token could be had, and asks for another when somebody knocks", async () => {
    let signedOut = true;
    const { live, socket } = open((renew) => {
      if (renew && signedOut) throw Object.assign(new Error("FORBIDDEN"), { code: "FORBIDDEN", retryable: false });
      return renew ? "t2" : "t1";
    });
    await settle();
    socket.fire("connect_error", { data: { code: "TOKEN_EXPIRED", retryable: false } });
    await settle();
    expect(live.connection).toEqual({ state: "refused", refusal: { code: "TOKEN_EXPIRED", retryable: false, cause: "FORBIDDEN" } });
    signedOut = false;
    live.connect();
    await settle();
    expect(socket.auths.map((auth) => auth.token)).toEqual(["t1", "t2"]);
  });

  it("tells of a login that had to be renewed to get in, once", async () => {
    const { socket, logins } = open((renew) => (renew ? "t2" : "t1"));
    await settle();
    socket.fire("connect_error", { data: { code: "TOKEN_EXPIRED", retryable: false } });
    await settle();
    socket.accept();
    socket.drop("transport close");
    socket.connect();
    await settle();
    socket.accept();
    expect(logins()).toEqual([{ state: "renewed", code: "TOKEN_EXPIRED" }, { state: "safe" }]);
  });

  it("comes back for a token that could not be had just now, still asking for a new one", async () => {
    const answers = [() => "t1", () => { throw Object.assign(new Error("OFFLINE"), { code: "OFFLINE", retryable: true }); }, () => "t2"];
    const renewals: boolean[] = [];
    const { live, socket } = open((renew) => (renewals.push(renew), answers.shift()?.() ?? "none"));
    await settle();
    socket.fire("connect_error", { data: { code: "TOKEN_EXPIRED", retryable: false } });
    await settle();
    expect(live.connection).toMatchObject({ state: "refused", refusal: { code: "OFFLINE" } });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(socket.auths.at(-1)).toMatchObject({ token: "t2" });
    expect(renewals).toEqual([false, true, true]);
  });

  it("leaves a failed transport to the official client", () => {
    const { live, socket } = open();
    socket.accept();
    socket.drop("transport close");
    socket.fire("connect_error", new Error("xhr poll error"));
    expect(live.connection.state).toBe("reconnecting");
    expect(socket.attempts).toBe(1);
  });
});

describe("the way out", () => {
  it("ends for good after a terminal bye", async () => {
    const { live, socket } = open();
    socket.accept();
    socket.fire("bye", { code: "KICKED", retryable: false });
    socket.drop("io server disconnect");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(live.connection).toEqual({ state: "ended", bye: { code: "KICKED", retryable: false } });
    expect(socket.attempts).toBe(1);
  });

  it("comes back after a retryable bye, when the server said", async () => {
    const { live, socket } = open();
    socket.accept();
    socket.fire("bye", { code: "SLOW", retryable: true, retry_after_ms: 2_000 });
    socket.drop("transport close");
    expect(live.connection).toMatchObject({ state: "reconnecting", code: "SLOW" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(socket.attempts).toBe(2);
  });

  it("comes back with a new token after a bye because the old one ran out", async () => {
    const { live, socket, logins } = open((renew) => (renew ? "t2" : "t1"));
    await settle();
    socket.accept("c7");
    socket.fire("bye", { code: "TOKEN_EXPIRED", retryable: false });
    socket.drop("io server disconnect");
    expect(live.connection).toMatchObject({ state: "reconnecting", code: "TOKEN_EXPIRED" });
    await settle();
    expect(socket.auths.at(-1)).toEqual({ token: "t2", room: "r", cursor: "c7" });
    socket.accept();
    expect(logins().at(-1)).toEqual({ state: "renewed", code: "TOKEN_EXPIRED" });
  });

  it("leaves a draining gateway by itself after its wait", async () => {
    const { socket } = open();
    socket.accept();
    socket.fire("draining", { reconnect_after_ms: 1_500 });
    expect(socket.connected).toBe(true);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(socket.connected).toBe(false);
    expect(socket.attempts).toBe(2);
  });
});

describe("commands", () => {
  it("answer what the server answered", async () => {
    const { live, socket } = open();
    socket.accept();
    socket.ack = () => ({ ok: false, error: { code: "MUTED", retryable: false } });
    expect(await live.call("danmaku", { text: "hi" })).toEqual({ ok: false, error: { code: "MUTED", retryable: false } });
  });

  it("are not kept for later while offline", async () => {
    const { live, socket } = open();
    expect(await live.call("like", { count: 1 })).toMatchObject({ ok: false, error: { code: "OFFLINE" } });
    expect(socket.sent).toEqual([]);
  });

  it("say TIMEOUT when no answer came, PROTOCOL when it made no sense", async () => {
    const { live, socket } = open();
    socket.accept();
    socket.ack = () => Promise.reject(new Error("operation has timed out"));
    expect(await live.call("like", {})).toMatchObject({ error: { code: "TIMEOUT", retryable: true } });
    socket.ack = () => "what";
    expect(await live.call("like", {})).toMatchObject({ error: { code: "PROTOCOL" } });
  });

  it("renew the token mid-show when asked", async () => {
    const { socket } = open((renew) => (renew ? "t2" : "t1"));
    socket.accept();
    socket.fire("token:expiring", { expires_ms: 1 });
    await settle();
    expect(socket.sent).toContainEqual(["token:refresh", { token: "t2" }]);
  });

  it("say that the login is ending while no new token can be had, and try again", async () => {
    let offline = true;
    const { socket, logins } = open((renew) => {
      if (renew && offline) throw Object.assign(new Error("OFFLINE"), { code: "OFFLINE", retryable: true });
      return renew ? "t2" : "t1";
    });
    socket.accept();
    socket.fire("token:expiring", { expires_ms: 60_000 });
    await settle();
    expect(logins().at(-1)).toEqual({ state: "ending", expires_ms: 60_000, error: expect.objectContaining({ code: "OFFLINE" }) });
    offline = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(socket.sent).toContainEqual(["token:refresh", { token: "t2" }]);
    expect(logins().at(-1)).toEqual({ state: "safe" });
  });
});

describe("the clock", () => {
  it("takes the way there and back as equally long", () => {
    expect(clockOffset({ t0: 1_000, t1: 6_020, t2: 6_030 }, 1_050)).toEqual({ offset_ms: 5_000, rtt_ms: 40 });
  });

  it("trusts the sample with the shortest way", () => {
    expect(bestOffset([{ offset_ms: 9, rtt_ms: 80 }, { offset_ms: 5, rtt_ms: 10 }, { offset_ms: 7, rtt_ms: 30 }])?.offset_ms).toBe(5);
    expect(bestOffset([])).toBeUndefined();
  });
});

describe("the server's clock", () => {
  const HOUR_MS = 3_600_000;
  function withClock(): { socket: FakeSocket; offsets: () => number[]; order: string[] } {
    let socket: FakeSocket | undefined;
    const offsets: number[] = [];
    const order: string[] = [];
    const live = new LiveRoom({ room: "r", token: () => "t", connectSocket: (auth) => (socket = new FakeSocket(auth)) as unknown as Socket });
    live.listen((event) => {
      order.push(event.event);
      if (event.event === "clock:offset") offsets.push(event.data.offset_ms);
    });
    live.connect();
    return { socket: socket as FakeSocket, offsets: () => offsets, order };
  }

  it("is known from the welcome, before anything is planned by it", async () => {
    // A phone an hour behind planned the renewal of its grants an hour late, and still called them verified.
    const { socket, offsets, order } = withClock();
    await settle();
    socket.ack = () => ({ ok: false, error: { code: "TIMEOUT", retryable: true } });
    socket.connected = true;
    socket.fire("welcome", { cursor: "c", server_ms: Date.now() + HOUR_MS });
    expect(offsets()).toEqual([HOUR_MS]);
    expect(order.indexOf("clock:offset")).toBeLessThan(order.indexOf("welcome"));
  });

  it("is read again when the device's clock was put right, and not for the length of the way", async () => {
    const { socket, offsets } = withClock();
    await settle();
    socket.ack = () => ({ ok: false, error: { code: "TIMEOUT", retryable: true } });
    socket.connected = true;
    socket.fire("welcome", { cursor: "c", server_ms: Date.now() + HOUR_MS });
    socket.fire("welcome", { cursor: "c", server_ms: Date.now() + HOUR_MS - 700 });
    expect(offsets()).toEqual([HOUR_MS]);
    vi.setSystemTime(Date.now() + HOUR_MS);
    socket.fire("welcome", { cursor: "c", server_ms: Date.now() });
    expect(offsets()).toEqual([HOUR_MS, 0]);
  });
});
