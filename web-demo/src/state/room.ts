/**
 * All that a page knows of a room.
 *
 * What a row of the contract says of an event decides how it is kept: `RoomState` holds the latest value of every
 * event that carries one under the event's name, and what comes in many under its plural, by key. A new `state` event
 * is there as soon as `contract.gen.ts` names it.
 */
import type { EVENT_CLASSES, EVENT_KEYS, Inbox, AuditItem, Order, Role, ServerEvents, Tier, TierChange } from "../contract.gen";
import type { Connection, LiveEvent, Login } from "../live";

export const CHAT_LINES = 200;
export const SEEN_IDS = 1_000;
export const INBOX_NOTES = 20;
export const AUDIT_ITEMS = 200;

type Classes = typeof EVENT_CLASSES;
type OfClass<C> = { [E in keyof Classes]: Classes[E] extends C ? E : never }[keyof Classes];

/** Tells items of what happened, each with an id of its own. */
export type HistoryEvent = OfClass<"history">;
/** Tells one of many values. */
export type KeyedEvent = keyof typeof EVENT_KEYS;
/** Tells one whole value. */
export type ValueEvent = Exclude<OfClass<"state" | "personal" | "console">, KeyedEvent | keyof Lists>;

type Item<E extends HistoryEvent> = ServerEvents[E]["items"][number];
type Told = Exclude<HistoryEvent, "retract">;

/** `seq` rises with every line; `fresh` lines happened just now, the others were caught up on. */
export type ChatLine = { seq: number; fresh: boolean; id: string } & (
  | { [E in Told]: { kind: E; item: Item<E> } }[Told]
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

/** Events that tell items of a list. */
export interface Lists {
  inbox: readonly Inbox[];
  audit: readonly AuditItem[];
}

type Values = { readonly [E in ValueEvent]: ServerEvents[E] | null };
type Many = { readonly [E in KeyedEvent as `${E}s`]: Readonly<Record<string, ServerEvents[E]>> };

export interface RoomState extends Values, Many, Lists {
  connection: Connection;
  /** Server clock minus local clock. */
  offset_ms: number;
  you: You | null;
  /** What the ticket is worth; also known, over HTTP, where the door is shut. */
  standing: Standing | null;
  login: Login;
  chat: readonly ChatLine[];
  seen: readonly string[];
  next_seq: number;
  /** How many missed events the last welcome brought, null when it began from a snapshot. */
  caught_up: number | null;
  truncated: boolean;
  degraded_since_ms: number | null;
  draining: boolean;
}

/** `orders` and `entitlement` are what HTTP answered. */
export type Action = LiveEvent | { event: "orders"; data: readonly Order[] } | { event: "entitlement"; data: Standing };
