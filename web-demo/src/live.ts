/**
 * One socket into one room: a typed wrapper around the official socket.io-client.
 *
 * It knows nothing of the pages around it, so copy it (with contract.gen.ts) into your own app:
 *
 *   const live = new LiveRoom<ViewerCommands>({ room, token: () => fetchToken() });
 *   live.listen((event) => (state = reduce(state, event)));
 *   live.connect();
 *   const said = await live.call("danmaku", { text: "hello" });
 *   if (!said.ok) show(said.error.code);
 *
 * What it takes care of:
 * - `auth` is made anew for every CONNECT: a token, the room and the last cursor, so nothing is missed.
 * - a command resolves to a `Result`, always: the server's ack, `TIMEOUT` or `OFFLINE`. It never rejects.
 * - the official client does not come back after a refusal; for a retryable one this does, when the server says so.
 * - `bye`, `draining`, token renewal and the offset of the server's clock.
 */
import { io, type Socket } from "socket.io-client";
import type { Bye, ClockAck, ConsoleCommands, ErrorBody, ServerEvents, TokenExpiring, ViewerCommands } from "./contract.gen";

/** Why something was refused. Further fields depend on the code: `TICKET_REQUIRED` carries `show` and `products`. */
export interface Failure extends ErrorBody {
  [detail: string]: unknown;
}

export type Result<T> = { ok: true; data: T } | { ok: false; error: Failure };

export type Connection =
  | { state: "idle" }
  | { state: "connecting" }
  | { state: "online" }
  /** Lost; coming back by itself. `code` says why where the server did. */
  | { state: "reconnecting"; code?: string; retry_at_ms?: number }
  /** Not let in. With `retry_at_ms` it tries again by itself, without it somebody has to do something first. */
  | { state: "refused"; refusal: Failure; retry_at_ms?: number }
  /** The server ended it for good. */
  | { state: "ended"; bye: Bye };

/** `offset_ms`: server clock minus local clock. `rtt_ms`: of the sample it comes from. */
export interface ClockOffset {
  offset_ms: number;
  rtt_ms: number;
}

interface LocalEvents {
  connection: Connection;
  "clock:offset": ClockOffset;
}

type AllEvents = ServerEvents & LocalEvents;
export type LiveEvent = { [K in keyof AllEvents]: { event: K; data: AllEvents[K] } }[keyof AllEvents];

type Table = ViewerCommands | ConsoleCommands;
export type Payload<C, K extends keyof C> = C[K] extends { payload: infer P } ? P : never;
export type Ack<C, K extends keyof C> = C[K] extends { ack: infer A } ? A : never;

export interface LiveOptions {
  room: string;
  /**
   * Called for every CONNECT and renewal; `renew` is true when the last token will not do any more. What it rejects
   * with may carry `code` and `retryable`, as a `Failure` does: a retryable one is tried again.
   */
  token: (renew: boolean) => string | Promise<string>;
  namespace?: "/live" | "/console";
  /** Origin of the gateway; this page's own by default. */
  origin?: string;
  /** `/socket.io-msgpack/` with the parser of `socket.io-msgpack-parser` is the binary form of the same room. */
  path?: string;
  parser?: unknown;
  /** Continue from here, e.g. after a page change. */
  cursor?: string;
  ackTimeoutMs?: number;
  /** For tests: something that looks like a socket of socket.io-client. */
  connectSocket?: (auth: (send: (auth: Record<string, string>) => void) => void) => Socket;
}

const SERVER_EVENTS: readonly (keyof ServerEvents)[] = [
  "welcome", "danmaku", "gift", "retract", "room", "stage", "pins", "countdown", "sales", "leaderboard", "presence",
  "like", "tier", "order", "wallet", "inbox", "cohost", "streams", "position", "degraded", "token:expiring",
  "draining", "bye", "audit", "revenue", "cohost:queue", "health",
];
const ACK_TIMEOUT_MS = 8_000;
const CLOCK_SAMPLES = 3;
const CLOCK_EVERY_MS = 60_000;
const RETRY_FALLBACK_MS = 3_000;

export class LiveRoom<C extends Table = ViewerCommands> {
  /** Position in the room's history; opaque. */
  cursor: string | undefined;
  connection: Connection = { state: "idle" };

  private readonly socket: Socket;
  private readonly listeners = new Set<(event: LiveEvent) => void>();
  private lastBye: Bye | undefined;
  private renewToken = false;
  private renewals = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private clockTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: LiveOptions) {
    this.cursor = options.cursor;
    const auth = (send: (auth: Record<string, string>) => void) => void this.authenticate(send);
    this.socket = options.connectSocket ? options.connectSocket(auth) : openSocket(options, auth);
    for (const name of SERVER_EVENTS) this.socket.on(name, (data: unknown) => this.receive({ event: name, data } as LiveEvent));
    this.socket.on("connect_error", (error: Error & { data?: unknown }) => this.notConnected(error.data));
    this.socket.on("disconnect", (reason: string) => this.disconnected(reason));
  }

  /** Every event of the contract, and `connection` and `clock:offset`. Returns how to stop listening. */
  listen(listener: (event: LiveEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  connect(): void {
    this.clearTimers();
    this.lastBye = undefined;
    this.renewals = 0;
    this.change({ state: "connecting" });
    this.socket.connect();
  }

  /** Ends it quietly. `connect()` opens it again, from the last cursor. */
  close(): void {
    this.clearTimers();
    this.socket.disconnect();
    this.change({ state: "idle" });
  }

  /** One command, one ack. Resolves always; sends nothing while offline, so nothing happens late by surprise. */
  async call<K extends keyof C & string>(command: K, payload: Payload<C, K>): Promise<Result<Ack<C, K>>> {
    if (!this.socket.connected) return failure("OFFLINE");
    try {
      const ack: unknown = await this.socket.timeout(this.options.ackTimeoutMs ?? ACK_TIMEOUT_MS).emitWithAck(command, payload);
      return isResult(ack) ? (ack as Result<Ack<C, K>>) : failure("PROTOCOL");
    } catch {
      return failure(this.socket.connected ? "TIMEOUT" : "OFFLINE");
    }
  }

  private async authenticate(send: (auth: Record<string, string>) => void): Promise<void> {
    const renew = this.renewToken;
    this.renewToken = false;
    try {
      const token = await this.options.token(renew);
      send({ token, room: this.options.room, ...(this.cursor ? { cursor: this.cursor } : {}) });
    } catch (error) {
      this.socket.disconnect();
      this.renewToken = renew;
      this.refuse(isFailure(error) ? error : { code: "TOKEN_INVALID", retryable: false });
    }
  }

  private receive(event: LiveEvent): void {
    switch (event.event) {
      case "welcome":
        this.renewals = 0;
        this.cursor = event.data.cursor;
        this.tell(event);
        this.change({ state: "online" });
        void this.synchroniseClock(CLOCK_SAMPLES);
        return;
      case "danmaku":
      case "gift":
      case "retract":
      case "position":
        this.cursor = event.data.cursor;
        break;
      case "token:expiring":
        void this.refreshToken();
        break;
      case "draining":
        this.tell(event);
        this.comeBackIn(event.data.reconnect_after_ms, "DRAINING");
        return;
      case "bye":
        this.lastBye = event.data;
        break;
    }
    this.tell(event);
  }

  private notConnected(data: unknown): void {
    if (!isFailure(data)) {
      // The transport failed; the official client tries again by itself.
      if (this.connection.state !== "connecting") this.change({ state: "reconnecting" });
      return;
    }
    const stale = data.code === "TOKEN_EXPIRED" || data.code === "TOKEN_INVALID";
    if (stale && this.renewals++ === 0) {
      this.renewToken = true;
      this.socket.connect();
      return;
    }
    this.refuse(data);
  }

  private refuse(refusal: Failure): void {
    if (!refusal.retryable) return this.change({ state: "refused", refusal });
    const wait = refusal.retry_after_ms ?? RETRY_FALLBACK_MS;
    const retry_at_ms = Date.now() + wait;
    // To somebody who was inside already a busy door is one more step of coming back.
    this.change(this.cursor === undefined ? { state: "refused", refusal, retry_at_ms } : { state: "reconnecting", code: refusal.code, retry_at_ms });
    this.retryTimer = setTimeout(() => this.socket.connect(), wait);
  }

  private disconnected(reason: string): void {
    clearTimeout(this.clockTimer);
    if (reason === "io client disconnect") return;
    const bye = this.lastBye;
    this.lastBye = undefined;
    if (bye && !bye.retryable) {
      if (bye.code === "TOKEN_EXPIRED" && this.renewals++ === 0) {
        this.renewToken = true;
        return this.comeBackIn(0, bye.code);
      }
      this.socket.disconnect();
      return this.change({ state: "ended", bye });
    }
    if (bye?.retry_after_ms !== undefined || reason === "io server disconnect") {
      return this.comeBackIn(bye?.retry_after_ms ?? RETRY_FALLBACK_MS, bye?.code);
    }
    this.change({ state: "reconnecting", ...(bye ? { code: bye.code } : {}) });
  }

  /** Leaves now if it has not yet, and connects again after the wait the server asked for. */
  private comeBackIn(wait_ms: number, code?: string): void {
    clearTimeout(this.retryTimer);
    const draining = this.socket.connected;
    this.retryTimer = setTimeout(() => {
      if (draining) this.socket.disconnect();
      this.change({ state: "reconnecting", ...(code ? { code } : {}) });
      this.socket.connect();
    }, wait_ms);
    if (!draining) {
      this.socket.disconnect();
      this.change({ state: "reconnecting", retry_at_ms: Date.now() + wait_ms, ...(code ? { code } : {}) });
    }
  }

  private async refreshToken(): Promise<void> {
    const token = await Promise.resolve(this.options.token(true)).catch(() => undefined);
    if (token !== undefined) await this.emit<TokenExpiring>("token:refresh", { token });
  }

  private async synchroniseClock(samples: number): Promise<void> {
    clearTimeout(this.clockTimer);
    const taken: ClockOffset[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const answer = await this.emit<ClockAck>("clock", { t0: Date.now() });
      if (!answer.ok) break;
      taken.push(clockOffset(answer.data, Date.now()));
    }
    const best = bestOffset(taken);
    if (best) this.tell({ event: "clock:offset", data: best });
    if (this.socket.connected) this.clockTimer = setTimeout(() => void this.synchroniseClock(CLOCK_SAMPLES), CLOCK_EVERY_MS);
  }

  /** The commands both namespaces share, outside the type of either. */
  private emit<T>(command: "clock" | "token:refresh", payload: object): Promise<Result<T>> {
    return (this as unknown as { call(command: string, payload: object): Promise<Result<T>> }).call(command, payload);
  }

  private change(connection: Connection): void {
    this.connection = connection;
    this.tell({ event: "connection", data: connection });
  }

  private tell(event: LiveEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  private clearTimers(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.clockTimer);
  }
}

/** The server's clock minus ours, taking the way there as long as the way back. */
export function clockOffset(ack: ClockAck, t3: number): ClockOffset {
  return {
    offset_ms: Math.round((ack.t1 - ack.t0 + (ack.t2 - t3)) / 2),
    rtt_ms: Math.max(0, t3 - ack.t0 - (ack.t2 - ack.t1)),
  };
}

/** The sample with the shortest way is the most exact one. */
export function bestOffset(samples: readonly ClockOffset[]): ClockOffset | undefined {
  return samples.reduce<ClockOffset | undefined>((best, sample) => (best && best.rtt_ms <= sample.rtt_ms ? best : sample), undefined);
}

function openSocket(options: LiveOptions, auth: (send: (auth: Record<string, string>) => void) => void): Socket {
  return io(`${options.origin ?? ""}${options.namespace ?? "/live"}`, {
    path: options.path ?? "/socket.io/",
    auth,
    autoConnect: false,
    forceNew: true,
    transports: ["websocket", "polling"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 5_000,
    ...(options.parser ? { parser: options.parser } : {}),
  });
}

function failure<T>(code: "TIMEOUT" | "OFFLINE" | "PROTOCOL"): Result<T> {
  return { ok: false, error: { code, retryable: code !== "PROTOCOL" } };
}

function isFailure(data: unknown): data is Failure {
  return typeof data === "object" && data !== null && typeof (data as Failure).code === "string";
}

function isResult(ack: unknown): boolean {
  if (typeof ack !== "object" || ack === null) return false;
  const { ok, error } = ack as { ok?: unknown; error?: unknown };
  return ok === true || (ok === false && isFailure(error));
}
