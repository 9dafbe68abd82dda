/** What a page asks of the state. Pure. */
import type { AuditItem, Countdown, Grant, Order, Scale, Switches, Tier } from "../contract.gen";
import type { RoomState, SaidLine } from "./room";

export function tierOf(state: RoomState): Tier {
  return state.standing?.tier ?? "none";
}

/** Nobody is inside: no event tells what becomes of the ticket. */
export function isShut(state: RoomState): boolean {
  return state.connection.state === "refused" || state.connection.state === "ended";
}

/** What somebody may do by their permission, as long as the host's switch lets tickets like theirs. */
export interface Interaction {
  permission: string;
  switch: { [S in keyof Switches]: Switches[S] extends Scale ? S : never }[keyof Switches];
  /** Whether whoever is muted may not. */
  isSpeech?: boolean;
}

export type Barrier = "offline" | "ticket" | "balance" | "phase" | "muted" | "off" | "vip_only" | "rights" | "queue";

/** Null when permitted. The server's list of permissions decides; the rest only explains it. */
export function barrier(state: RoomState, interaction: Interaction): Barrier | null {
  const { you, room, connection } = state;
  if (connection.state !== "online" || !you || !room) return "offline";
  if (interaction.isSpeech && you.muted) return "muted";
  if (you.permissions.includes(interaction.permission)) return null;
  if (state.admission) return "queue";
  const scale = room.switches[interaction.switch];
  if (scale === "off") return "off";
  if (you.tier === "lobby" && room.access === "ticketed") return "balance";
  if (you.tier === "none" && scale !== "everyone") return "ticket";
  if (["draft", "presale", "ended", "cancelled"].includes(room.phase)) return "phase";
  if (you.tier === "none" && room.access === "ticketed") return "ticket";
  if (scale === "vip" && you.tier !== "vip") return "vip_only";
  return room.phase === "live" ? "rights" : "phase";
}

export function playable(state: RoomState): readonly Grant[] {
  return (state.streams?.grants ?? []).filter((grant) => grant.right === "play");
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

/** What the show itself is about is the host's; moderators look after the people in it. The server decides. */
export function steers(state: RoomState): boolean {
  return state.you?.role !== "moderator";
}

export function isOfStaff(line: SaidLine): boolean {
  return line.kind === "danmaku" && line.item.role !== undefined && line.item.role !== "viewer";
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
