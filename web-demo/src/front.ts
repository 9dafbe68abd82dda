/** What the introduction of a show says at a given moment. Pure. */
import type { Product, Show } from "./api";
import { isOver } from "./choice";
import type { Phase } from "./contract.gen";

const SELLING: readonly Phase[] = ["presale", "doors", "live", "paused"];
const POLL_MS = 3_000;
const POLL_AT_MOST_MS = 30_000;
/** Two missed polls. */
const STALE_MS = 7_500;

export type Selling = "open" | "sold_out" | "closed" | "none";

/** `none`: there is nothing to buy. What the host hides counts as left. */
export function selling(show: Show): Selling {
  if (show.products.length === 0) return "none";
  if (!SELLING.includes(show.phase)) return "closed";
  return show.products.every(isSoldOut) ? "sold_out" : "open";
}

export function isSoldOut(product: Product): boolean {
  return product.left === 0;
}

export interface Counts {
  sold: number;
  /** Null where the host hides how many are left. */
  left: number | null;
  capacity: number | null;
}

export function counts(show: Show): Counts {
  const sum = (pick: (product: Product) => number | null) =>
    show.products.reduce<number | null>((total, product) => (total === null || pick(product) === null ? null : total + (pick(product) as number)), 0);
  return { sold: sum((product) => product.sold) ?? 0, left: sum((product) => product.left), capacity: sum((product) => product.capacity) };
}

/** The least a ticket costs that can still be had; null when none can. */
export function cheapest(show: Show): Product | null {
  const had = show.products.filter((product) => !isSoldOut(product));
  return had.reduce<Product | null>((least, product) => (least && least.price_minor <= product.price_minor ? least : product), null);
}

export interface Awaited {
  kind: "doors" | "show";
  target_ms: number;
}

/** What everybody waits for: the doors until they open, then the show; null once it is on or over. */
export function awaited(show: Show): Awaited | null {
  if (show.phase === "presale") return { kind: "doors", target_ms: show.schedule.doors_ms };
  if (show.phase === "doors") return { kind: "show", target_ms: show.schedule.start_ms };
  return null;
}

/** What is left of a wait, part by part; all zero once it is over. */
export function parts(left_ms: number): { days: number; hours: number; minutes: number; seconds: number } {
  const whole = Math.max(0, Math.ceil(left_ms / 1000));
  return { days: Math.floor(whole / 86_400), hours: Math.floor(whole / 3_600) % 24, minutes: Math.floor(whole / 60) % 60, seconds: whole % 60 };
}

/** A reading of the server's clock: it said `server_ms` between the two local times. */
export interface ClockReading {
  offset_ms: number;
  rtt_ms: number;
}

export function readClock(sent_ms: number, received_ms: number, server_ms: number): ClockReading {
  return { offset_ms: Math.round(server_ms - (sent_ms + received_ms) / 2), rtt_ms: received_ms - sent_ms };
}

/** The reading with the shorter way is the more exact one, unless the clocks have since moved apart for certain. */
export function betterClock(held: ClockReading | null, next: ClockReading): ClockReading {
  if (!held || next.rtt_ms <= held.rtt_ms) return next;
  return Math.abs(next.offset_ms - held.offset_ms) > (next.rtt_ms + held.rtt_ms) / 2 + 1 ? next : held;
}

export type Freshness = "fresh" | "stale" | "offline";

export function freshness(heard_ms: number, now_ms: number, failures: number, online: boolean): Freshness {
  if (!online) return "offline";
  if (failures === 0 && now_ms - heard_ms <= STALE_MS) return "fresh";
  return failures >= 2 ? "offline" : now_ms - heard_ms > STALE_MS ? "stale" : "fresh";
}

/** When to ask again: every three seconds, more slowly the longer nobody answers, never sooner than asked for. */
export function pollDelay(failures: number, retry_after_ms = 0): number {
  return Math.max(Math.min(POLL_MS * 2 ** Math.max(0, failures - 1), POLL_AT_MOST_MS), retry_after_ms);
}

/** What else is on: open shows first, then the soonest; at most three. */
export function beside(shows: readonly Show[], current: string): Show[] {
  return shows
    .filter((show) => show.show !== current && !isOver(show.phase) && show.phase !== "draft")
    .sort((one, other) => Number(other.access === "open") - Number(one.access === "open") || one.schedule.start_ms - other.schedule.start_ms)
    .slice(0, 3);
}

/** Whether the door of the fan page may open at all. */
export function isEnterable(phase: Phase): boolean {
  return SELLING.includes(phase) || phase === "replay";
}

/** Which of `count` posters a title gets: always the same one. */
export function posterOf(title: string, count: number): number {
  let hash = 0;
  for (const letter of title) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash % count;
}
