/** When a stream grant has to be renewed. Pure; times are the server's, the device's clock may be hours off. */
import type { Grant } from "./contract.gen";

/** Renew this long before the end, or at half of a short life. */
const AHEAD_MS = 15_000;
/** A renewal that failed is tried again after this long. */
export const RETRY_MS = 4_000;
const SOONEST_MS = 1_000;

/** How long to wait before asking for the next grant. */
export function renewIn(grant: Grant, server_now_ms: number): number {
  const life = grant.expires_ms - server_now_ms;
  return Math.max(life / 2 > AHEAD_MS ? life - AHEAD_MS : life / 2, SOONEST_MS);
}

export function hasEnded(grant: Grant, server_now_ms: number): boolean {
  return server_now_ms >= grant.expires_ms;
}
