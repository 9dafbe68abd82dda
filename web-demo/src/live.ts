/**
 * One socket into one room: a typed wrapper around the official socket.io-client.
 *
 * It knows nothing of the pages around it, so copy it (with transports.ts and contract.gen.ts) into your own app:
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
 * - a token that has run out is renewed, before its end or after it, once; where that fails `connect()` asks for another.
 * - a ticket that is in use on another device: refused with `SEAT_TAKEN` where it asks first, taken by `connect(true)`.
 * - `bye`, `draining` and the offset of the server's clock.
 */
import type { Socket } from "socket.io-client";
import { EVENT_CLASSES, type Bye, type ClockAck, type ConsoleCommands, type ErrorBody, type ServerEvents, type TokenExpiring, type ViewerCommands } from "./contract.gen";
import { openSocket, type MakesAuth } from "./transports";

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

/** `offset_ms`: server clock minus local clock. `rtt_ms`: of the sample it comes from; infinite for a `welcome`'s. */
export interface ClockOffset {
  offset_ms: number;
  rtt_ms: number;
}

/** What became of the login behind the token. */
export type Login =
  /** The server did not take the last token (`code` says why); a new one opened the door. */
  | { state: "renewed"; code: string }
  /** It runs out at `expires_ms` and a new one could not be had; tried again until then. */
  | { state: "ending"; expires_ms: number; error: Failure }
  | { state: "safe" };

interface LocalEvents {
  connection: Connection;
  "clock:offset": ClockOffset;
  login: Login;
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
   * with may carry `code` and `retryable`, as a `Failure` does: a retryable one is tried again. Any other ends in a
   * refusal with the code of the token that ran out and `cause`, the code it was rejected with.
   */
  token: (renew: boolean) => string | Promise<string>;
  namespace?: "/live" | "/console";
  /** Origin of the gateway; this page's own by default. */
  origin?: string;
  /** `/socket.io-msgpack/` with the parser of `socket.io-msgpack-parser` is the binary form of the same room. */
  path?: string;
  parser?: unknown;
  /** Which device this is, the same whenever it comes back: only then does it replace itself instead of another. */
  device?: string;
  /** Rather be refused with `SEAT_TAKEN` than take the ticket's seat from another device. */
  asksFirst?: boolean;
  /** Continue from here, e.g. after a page change. */
  cursor?: string;
  ackTimeoutMs?: number;
  /** For tests: something that looks like a socket of socket.io-client. */
  connectSocket?: (auth: MakesAuth) => Socket;
}

const SERVER_EVENTS = Object.keys(EVENT_CLASSES) as (keyof ServerEvents)[];
const ACK_TIMEOUT_MS = 8_000;
const CLOCK_SAMPLES = 3;
const CLOCK_EVERY_MS = 60_000;
/** How far a `welcome` may lie off by the way it took. */
const COARSE_MS = 2_000;
const RETRY_FALLBACK_MS = 3_000;
const RENEW_RETRY_MS = 5_000;
const STALE_CODES: readonly string[] = ["TOKEN_EXPIRED", "TOKEN_INVALID"];

export class LiveRoom<C extends Table = ViewerCommands> {
  /** Position in the room's history; opaque. */
  cursor: string | undefined;
  connection: Connection = { state: "idle" };

  private readonly socket: Socket;
  private readonly listeners = new Set<(event: LiveEvent) => void>();
  private lastBye: Bye | undefined;
  private takesOver = false;
  private renewToken = false;
  private renewals = 0;
  /** The server's clock minus ours, once it is known. */
  private offset_ms: number | undefined;
  /** Why the last token was not taken, until another one was. */
  private staleCode: string | undefined;
  private renewTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private clockTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: LiveOptions) {
    this.cursor = options.cursor;
    const auth: MakesAuth = (send) => void this.authenticate(send);
    this.socket = options.connectSocket ? options.connectSocket(auth) : socketOf(options, auth);
    for (const name of SERVER_EVENTS) this.socket.on(name, (data: unknown) => this.receive({ event: name, data } as LiveEvent));
    this.socket.on("connect_error", (error: Error & { data?: unknown }) => this.notConnected(error.data));
    this.socket.on("disconnect", (reason: string) => this.disconnected(reason));
  }

  /** Every event of the contract, and `connection` and `clock:offset`. Returns how to stop listening. */
  listen(listener: (event: LiveEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** `takesOver`: even if another device of the ticket has to leave for it. */
  connect(takesOver = false): void {
    this.clearTimers();
    this.takesOver = takesOver;
    this.lastBye = undefined;
    this.renewals = 0;
    // Whoever knocks again after the token ran out wants a new one, not another refusal of the old.
    if (this.staleCode !== undefined) this.renewToken = true;
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
      if (renew) this.renewals++;
      const { room, device, asksFirst } = this.options;
      send({
        token,
        room,
        ...(this.cursor ? { cursor: this.cursor } : {}),
        ...(device ? { device } : {}),
        ...(asksFirst ? { takeover: this.takesOver ? "yes" : "ask" } : {}),
      });
    } catch (error) {
      this.socket.disconnect();
      this.renewToken = renew;
      const failed = isFailure(error) ? error : { code: "TOKEN_INVALID", retryable: false };
      this.refuse(this.staleCode === undefined || failed.retryable ? failed : { code: this.staleCode, retryable: false, cause: failed.code });
    }
  }

  private receive(event: LiveEvent): void {
    switch (event.event) {
      case "welcome":
        this.takesOver = false;
        this.renewals = 0;
        this.cursor = event.data.cursor;
        this.readClock(event.data.server_ms);
        this.tell(event);
        this.change({ state: "online" });
        this.admitted();
        void this.synchroniseClock(CLOCK_SAMPLES);
        return;
      case "token:expiring":
        void this.refreshToken(event.data);
        break;
      case "draining":
        this.tell(event);
        this.comeBackIn(event.data.reconnect_after_ms, "DRAINING");
        return;
      case "bye":
        this.lastBye = event.data;
        break;
      default:
        // History, and the position where nothing of it was told.
        if ("cursor" in event.data) this.cursor = event.data.cursor;
    }
    this.tell(event);
  }

  private notConnected(data: unknown): void {
    if (!isFailure(data)) {
      // The transport failed; the official client tries again by itself.
      if (this.connection.state !== "connecting") this.change({ state: "reconnecting" });
      return;
    }
    if (STALE_CODES.includes(data.code)) {
      this.staleCode = data.code;
      if (this.renewals === 0) {
        this.renewToken = true;
        this.socket.connect();
        return;
      }
    } else if (!data.retryable) this.staleCode = undefined; // the token itself was good
    this.refuse(data);
  }

  private admitted(): void {
    const code = this.staleCode;
    this.staleCode = undefined;
    this.tell({ event: "login", data: code === undefined ? { state: "safe" } : { state: "renewed", code } });
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
    clearTimeout(this.renewTimer);
    if (reason === "io client disconnect") return;
    const bye = this.lastBye;
    this.lastBye = undefined;
    if (bye && !bye.retryable) {
      if (STALE_CODES.includes(bye.code)) {
        this.staleCode = bye.code;
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

  /** While the old token still lasts. */
  private async refreshToken({ expires_ms }: TokenExpiring): Promise<void> {
    clearTimeout(this.renewTimer);
    const renewed = await this.presentToken();
    if (!this.socket.connected) return;
    if (renewed.ok) return this.tell({ event: "login", data: { state: "safe" } });
    this.tell({ event: "login", data: { state: "ending", expires_ms, error: renewed.error } });
    this.renewTimer = setTimeout(() => void this.refreshToken({ expires_ms }), RENEW_RETRY_MS);
  }

  private async presentToken(): Promise<Result<TokenExpiring>> {
    try {
      return await this.emit<TokenExpiring>("token:refresh", { token: await this.options.token(true) });
    } catch (error) {
      return { ok: false, error: isFailure(error) ? error : { code: "TOKEN_INVALID", retryable: false } };
    }
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
    if (best) this.know(best);
    if (this.socket.connected) this.clockTimer = setTimeout(() => void this.synchroniseClock(CLOCK_SAMPLES), CLOCK_EVERY_MS);
  }

  /** Before anything is planned by it: a device may be an hour off. Too coarse to replace a sample that agrees. */
  private readClock(server_ms: number): void {
    const offset_ms = server_ms - Date.now();
    if (this.offset_ms === undefined || Math.abs(offset_ms - this.offset_ms) > COARSE_MS) this.know({ offset_ms, rtt_ms: Infinity });
  }

  private know(offset: ClockOffset): void {
    this.offset_ms = offset.offset_ms;
    this.tell({ event: "clock:offset", data: offset });
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
    clearTimeout(this.renewTimer);
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

function socketOf(options: LiveOptions, auth: MakesAuth): Socket {
  return openSocket(`${options.origin ?? ""}${options.namespace ?? "/live"}`, auth, {
    path: options.path ?? "/socket.io/",
    autoConnect: false,
    forceNew: true,
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
