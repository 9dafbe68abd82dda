/** The lawful ways from phase to phase, for buttons only: the server decides. Source: rooms/course/phases.py. */
import type { Phase } from "./contract.gen";

export const TRANSITIONS: Readonly<Record<Phase, readonly Phase[]>> = {
  draft: ["presale", "doors", "cancelled"],
  presale: ["doors", "cancelled"],
  doors: ["live", "cancelled"],
  live: ["paused", "ended"],
  paused: ["live", "ended", "cancelled"],
  ended: ["replay"],
  replay: [],
  cancelled: [],
};

/** In the order of an evening; `cancelled` stands apart. */
export const EVENING: readonly Phase[] = ["draft", "presale", "doors", "live", "paused", "ended", "replay", "cancelled"];
