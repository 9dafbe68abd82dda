/**
 * All that a page knows of a room, and how each event changes it. Pure: no socket, clock or DOM.
 *
 * State events carry their whole value and a version, so the latest wins in whatever order they come; history
 * events are deduped by item id, so a recovery may repeat what was already seen.
 */
import type {
  Admission, AuditItem, Cohost, Countdown, DanmakuItem, Gift, GiftItem, Health, Inbox, Leaderboard, Names, Order, Pins, QueueItem, Retract,
  Danmaku, Revenue, Role, Room, Sales, Scale, Stage, Grant, Tier, TierChange, Wallet, Welcome,
} from "./contract.gen";
import type { Connection, LiveEvent, Login } from "./live";

export const CHAT_LINES = 200;
export const SEEN_IDS = 1_000;
const INBOX_NOTES = 20;
const AUDIT_ITEMS = 200;

/** `seq` rises with every line; `fresh` lines happened just now, the others were caught up on. */
export type ChatLine = { seq: number; fresh: boolean; id: string } & (
  | { kind: "danmaku"; item: DanmakuItem }
  | { kind: "gift"; item: GiftItem }
  /** Here something is missing for good: `all` of it, or danmaku only. */
  | { kind: "gap"; all: boolean }
);

/** What somebody did. */
export type SaidLine = Exclude<ChatLine, { kind: "gap" }>;

/** What of a room's history a page keeps beside its cursor, to go on from there. */
export type Past = Pick<RoomState, "chat" | "seen" | "next_seq">;

export interface You {
  user: string;
  name: string;
  role: Role;
  tier: Tier;
  version: number;
  permissions: readonly string[];
  reason: TierChange["reason"] | null;
  muted_until_ms: number | null;
  muted: boolean;
}

export interface Standing {
  tier: Tier;
  version: number;
}

export interface RoomState {
  connection: Connection;
  /** Server clock minus local clock. */
  offset_ms: number;
  room: Room | null;
  you: You | null;
  /** What the ticket is worth; also known, over HTTP, where the door is shut. */
  standing: Standing | null;
  login: Login;
  /** Where this fan stands in the queue at the door; null inside. */
  admission: Admission | null;
  streams: readonly Grant[];
  countdowns: Readonly<Record<string, Countdown>>;
  sales: Sales | null;
  stage: Stage | null;
  pins: Pins | null;
  leaderboard: Leaderboard | null;
  online: number;
  likes: number;
  wallet: Wallet | null;
  orders: Readonly<Record<string, Order>>;
  cohost: Cohost | null;
  inbox: readonly Inbox[];
  chat: readonly ChatLine[];
  seen: readonly string[];
  next_seq: number;
  /** How many missed events the last welcome brought, null when it began from a snapshot. */
  caught_up: number | null;
  truncated: boolean;
  degraded_since_ms: number | null;
  draining: boolean;
  audit: readonly AuditItem[];
  revenue: Revenue | null;
  queue: readonly QueueItem[];
  queue_version: number;
  names: Names | null;
  health: Health | null;
}

/** `orders` and `entitlement` are what HTTP answered. */
export type Action = LiveEvent | { event: "orders"; data: readonly Order[] } | { event: "entitlement"; data: Standing };

export const INITIAL: RoomState = {
  connection: { state: "idle" }, offset_ms: 0, room: null, you: null, standing: null, login: { state: "safe" }, admission: null, streams: [], countdowns: {}, sales: null, stage: null,
  pins: null, leaderboard: null, online: 0, likes: 0, wallet: null, orders: {}, cohost: null, inbox: [], chat: [], seen: [],
  next_seq: 1, caught_up: null, truncated: false, degraded_since_ms: null, draining: false, audit: [], revenue: null,
  queue: [], queue_version: -1, names: null, health: null,
};

export function reduce(state: RoomState, action: Action): RoomState {
  switch (action.event) {
    case "connection":
      return connected(state, action.data);
    case "login":
      return { ...state, login: action.data };
    case "entitlement":
      return entitled(state, action.data);
    case "clock:offset":
      return { ...state, offset_ms: action.data.offset_ms };
    case "welcome":
      return welcomed(state, action.data);
    case "danmaku":
      return said(state, action.data, true);
    case "gift":
      return gifted(state, action.data, true);
    case "retract":
      return retracted(state, action.data);
    case "room":
      return newer(state.room, action.data) ? { ...state, room: action.data } : state;
    case "stage":
      return newer(state.stage, action.data) ? { ...state, stage: action.data } : state;
    case "pins":
      return newer(state.pins, action.data) ? { ...state, pins: action.data } : state;
    case "sales":
      return newer(state.sales, action.data) ? { ...state, sales: action.data } : state;
    case "leaderboard":
      return newer(state.leaderboard, action.data) ? { ...state, leaderboard: action.data } : state;
    case "wallet":
      return newer(state.wallet, action.data) ? { ...state, wallet: action.data } : state;
    case "cohost":
      return newer(state.cohost, action.data) ? { ...state, cohost: action.data } : state;
    case "revenue":
      return newer(state.revenue, action.data) ? { ...state, revenue: action.data } : state;
    case "countdown":
      return counted(state, action.data);
    case "presence":
      return { ...state, online: action.data.online };
    case "like":
      return { ...state, likes: Math.max(state.likes, action.data.total) };
    case "tier":
      return promoted(state, action.data);
    case "streams":
      return { ...state, streams: action.data.grants };
    case "admission":
      return { ...state, admission: action.data.position > 0 ? action.data : null };
    case "order":
      return ordered(state, [action.data]);
    case "orders":
      return ordered(state, action.data);
    case "inbox":
      return noticed(state, action.data);
    case "degraded":
      return { ...state, degraded_since_ms: action.data.since_ms };
    case "draining":
      return { ...state, draining: true };
    case "audit":
      return audited(state, action.data.items);
    case "cohost:queue":
      if (action.data.version < state.queue_version) return state;
      return { ...state, queue: action.data.items, queue_version: action.data.version };
    case "names":
      return newer(state.names, action.data) ? { ...state, names: action.data } : state;
    case "health":
      return { ...state, health: action.data };
    case "position":
    case "token:expiring":
    case "bye":
      return state;
  }
}

/** Versions may repeat (a grant renewed within one version), they never fall. */
function newer(held: { version: number } | null, next: { version: number }): boolean {
  return held === null || next.version >= held.version;
}

function connected(state: RoomState, connection: Connection): RoomState {
  const next = { ...state, connection, draining: connection.state === "online" ? false : state.draining };
  if (connection.state !== "refused") return next;
  // These two refusals also say what the ticket is worth now, whatever it was when this page was last inside.
  const { code } = connection.refusal;
  if (code !== "TICKET_REQUIRED" && code !== "BALANCE_DUE") return next;
  return outside(next, { tier: code === "BALANCE_DUE" ? "lobby" : "none", version: state.standing?.version ?? 0 });
}

/** Inside, the socket tells; an answer of HTTP may be older than what it told. */
function entitled(state: RoomState, standing: Standing): RoomState {
  return state.connection.state === "online" || !newer(state.standing, standing) ? state : outside(state, standing);
}

/** What a ticket gave to somebody inside does not outlive it. */
function outside(state: RoomState, standing: Standing): RoomState {
  if (state.you === null || state.you.tier === standing.tier) return { ...state, standing };
  return { ...state, standing, you: { ...state.you, tier: standing.tier, permissions: [] }, streams: [] };
}

function welcomed(state: RoomState, welcome: Welcome): RoomState {
  const { you } = welcome;
  const fresh: RoomState = {
    ...state,
    room: welcome.room,
    you: {
      user: you.user, name: you.name, role: you.role, tier: you.tier, version: you.version, permissions: you.permissions,
      reason: null, muted_until_ms: you.muted_until_ms, muted: you.muted_until_ms !== null,
    },
    standing: { tier: you.tier, version: you.version },
    admission: welcome.admission ?? null,
    streams: welcome.streams,
    countdowns: Object.fromEntries(welcome.countdowns.filter((one) => one.target_ms !== null).map((one) => [one.id, one])),
    sales: welcome.sales,
    stage: welcome.stage,
    pins: welcome.pins,
    leaderboard: welcome.leaderboard,
    online: welcome.presence.online,
    likes: welcome.like.total,
    wallet: you.wallet,
    cohost: you.cohost,
    caught_up: welcome.recovered ? welcome.missed.length : null,
    truncated: state.chat.length === 0 && (welcome.danmaku_truncated ?? false),
    degraded_since_ms: null,
    draining: false,
    queue_version: -1,
    revenue: null,
  };
  const known = holed(ordered(fresh, you.orders), welcome);
  return welcome.missed.reduce((seen, missed) => {
    if (missed.event === "danmaku") return said(seen, missed.data, false);
    if (missed.event === "gift") return gifted(seen, missed.data, false);
    return retracted(seen, missed.data);
  }, known);
}

/** Never show the parts before and after a gap as one. */
function holed(state: RoomState, welcome: Welcome): RoomState {
  if (state.chat.length === 0 || (welcome.recovered && !welcome.danmaku_truncated)) return state;
  return appended(state, [{ kind: "gap", id: `gap-${state.next_seq}`, all: !welcome.recovered, fresh: false }]);
}

function said(state: RoomState, danmaku: Danmaku, fresh: boolean): RoomState {
  return appended(state, danmaku.items.map((item) => ({ kind: "danmaku", id: item.id, item, fresh })));
}

function gifted(state: RoomState, gift: Gift, fresh: boolean): RoomState {
  return appended(state, gift.items.map((item) => ({ kind: "gift", id: item.id, item, fresh })));
}

type NewLine = ChatLine extends infer L ? (L extends ChatLine ? Omit<L, "seq"> : never) : never;

function appended(state: RoomState, lines: readonly NewLine[]): RoomState {
  const seen = new Set(state.seen);
  const news = lines.filter((line) => !seen.has(line.id) && seen.add(line.id));
  if (news.length === 0) return state;
  const numbered = news.map((line, index) => ({ ...line, seq: state.next_seq + index }) as ChatLine);
  return {
    ...state,
    chat: [...state.chat, ...numbered].slice(-CHAT_LINES),
    seen: [...seen].slice(-SEEN_IDS),
    next_seq: state.next_seq + news.length,
  };
}

function retracted(state: RoomState, retract: Retract): RoomState {
  const gone = new Set(retract.items.map((item) => item.id));
  return {
    ...state,
    chat: state.chat.filter((line) => !gone.has(line.id)),
    // A retraction may overtake its danmaku in a recovery: remember it as seen, so that it never shows.
    seen: [...new Set([...state.seen, ...gone])].slice(-SEEN_IDS),
  };
}

function counted(state: RoomState, countdown: Countdown): RoomState {
  const held = state.countdowns[countdown.id];
  if (held && countdown.version < held.version) return state;
  const { [countdown.id]: _, ...others } = state.countdowns;
  return { ...state, countdowns: countdown.target_ms === null ? others : { ...others, [countdown.id]: countdown } };
}

function promoted(state: RoomState, tier: TierChange): RoomState {
  if (!state.you || tier.version < state.you.version) return state;
  const { permissions, version, reason } = tier;
  return { ...state, you: { ...state.you, tier: tier.tier, version, permissions, reason }, standing: { tier: tier.tier, version }, streams: tier.streams };
}

function ordered(state: RoomState, orders: readonly Order[]): RoomState {
  const merged = { ...state.orders };
  for (const order of orders) {
    const held = merged[order.order];
    if (!held || order.version >= held.version) merged[order.order] = order;
  }
  return { ...state, orders: merged };
}

function noticed(state: RoomState, note: Inbox): RoomState {
  const inbox = [...state.inbox.filter((held) => held.id !== note.id), note].slice(-INBOX_NOTES);
  if (!state.you || (note.kind !== "muted" && note.kind !== "unmuted")) return { ...state, inbox };
  const muted = note.kind === "muted";
  return { ...state, inbox, you: { ...state.you, muted, muted_until_ms: muted ? note.until_ms : null } };
}

function audited(state: RoomState, items: readonly AuditItem[]): RoomState {
  const known = new Set(state.audit.map((item) => item.id));
  return { ...state, audit: [...state.audit, ...items.filter((item) => !known.has(item.id))].slice(-AUDIT_ITEMS) };
}

// ---- what a page asks of it ----------------------------------------------------------------------

export function tierOf(state: RoomState): Tier {
  return state.standing?.tier ?? "none";
}

export type Interaction = "danmaku" | "gift" | "like" | "cohost";
export type Barrier = "offline" | "ticket" | "balance" | "phase" | "muted" | "off" | "vip_only" | "rights" | "queue";

const SWITCH_OF = { danmaku: "chat", gift: "gifts", like: "likes", cohost: "cohost" } as const;

/** Null when permitted. The server's list of permissions decides; the rest only explains it. */
export function barrier(state: RoomState, interaction: Interaction): Barrier | null {
  const { you, room, connection } = state;
  if (connection.state !== "online" || !you || !room) return "offline";
  if (interaction === "danmaku" && you.muted) return "muted";
  if (you.permissions.includes(interaction)) return null;
  if (state.admission) return "queue";
  const scale: Scale = room.switches[SWITCH_OF[interaction]];
  if (scale === "off") return "off";
  if (you.tier === "lobby" && room.access === "ticketed") return "balance";
  if (you.tier === "none" && scale !== "everyone") return "ticket";
  if (["draft", "presale", "ended", "cancelled"].includes(room.phase)) return "phase";
  if (you.tier === "none" && room.access === "ticketed") return "ticket";
  if (scale === "vip" && you.tier !== "vip") return "vip_only";
  return room.phase === "live" ? "rights" : "phase";
}

export function playable(state: RoomState): readonly Grant[] {
  return state.streams.filter((grant) => grant.right === "play");
}

/** The best stream, or the wished one while it is granted. */
export function chosenStream(state: RoomState, wish: string | null): Grant | null {
  const grants = playable(state);
  return grants.find((grant) => grant.stream === wish) ?? grants.find((grant) => grant.stream === "vip") ?? grants[0] ?? null;
}

export function pendingOrders(state: RoomState): readonly Order[] {
  return Object.values(state.orders).filter((order) => order.state === "pending").sort(byNewest);
}

/** Orders that money moved for, newest first. */
export function settledOrders(state: RoomState): readonly Order[] {
  return Object.values(state.orders).filter((order) => ["paid", "refunding", "refunded"].includes(order.state)).sort(byNewest);
}

function byNewest(one: Order, other: Order): number {
  return one.order < other.order ? 1 : -1;
}

/** The countdown a fan waits for now: the host's own first, else the doors before they open, else the start. */
export function headCountdown(state: RoomState): Countdown | null {
  const running = Object.values(state.countdowns).filter((one) => one.target_ms !== null && one.kind !== "order");
  const kinds = state.room?.phase === "presale" ? ["custom", "doors", "show"] : state.room?.phase === "doors" ? ["custom", "show"] : ["custom"];
  for (const kind of kinds) {
    const found = running.filter((one) => one.kind === kind).sort((one, other) => (one.target_ms ?? 0) - (other.target_ms ?? 0))[0];
    if (found) return found;
  }
  return null;
}

/** Who is muted or banned, as far as the audit log this console has seen tells. */
export function sanctioned(audit: readonly AuditItem[]): { muted: string[]; banned: string[] } {
  const muted = new Set<string>();
  const banned = new Set<string>();
  for (const { action, target } of audit) {
    if (action === "mute") muted.add(target);
    else if (action === "unmute") muted.delete(target);
    else if (action === "ban") banned.add(target);
    else if (action === "unban") banned.delete(target);
  }
  return { muted: [...muted], banned: [...banned] };
}
