/**
 * Which lane the next danmaku flies in. Pure: widths and times come in as arguments.
 *
 * A lane is free once the tail of its last danmaku has entered the screen, and only for one that will not catch
 * up with it before it left. When no lane is free the danmaku stays in the chat list only: a full sky is bounded.
 */
export interface Lane {
  /** From here on the entry of the lane is free. */
  entry_free_ms: number;
  /** From here on the whole lane is free. */
  exit_ms: number;
}

export function emptyLanes(count: number): Lane[] {
  return Array.from({ length: count }, () => ({ entry_free_ms: 0, exit_ms: 0 }));
}

/** Index of the lane taken (and marked as taken), or -1. Each danmaku crosses in `duration_ms`, so long ones fly faster. */
export function takeLane(lanes: Lane[], now_ms: number, width_px: number, screen_px: number, duration_ms: number): number {
  const speed = (screen_px + width_px) / duration_ms;
  const reach_ms = screen_px / speed;
  const index = lanes.findIndex((lane) => lane.entry_free_ms <= now_ms && now_ms + reach_ms >= lane.exit_ms);
  const lane = lanes[index];
  if (!lane) return -1;
  lane.entry_free_ms = now_ms + (width_px + GAP_PX) / speed;
  lane.exit_ms = now_ms + duration_ms;
  return index;
}

const GAP_PX = 24;
