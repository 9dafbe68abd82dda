/**
 * Going on after a reload: what the page showed of the room's history, and the cursor of that very moment.
 *
 * The two belong together. The cursor alone would bring what was missed and leave out what stood on the screen before;
 * the messages alone would leave a gap. Both are kept in sessionStorage, so each tab goes on where it stopped, and
 * taken out once: a second tab that was copied from this one starts from the server's snapshot.
 */
import type { Past } from "./state";

export interface Place {
  cursor: string;
  past: Past;
}

const SLOT = "liveroom.place";

/** `who` is whose page of which room it is. Returns how to stop. */
export function keepPlace(who: string, place: () => Place | null): () => void {
  const keep = () => {
    const now = place();
    if (now === null) return;
    try {
      sessionStorage.setItem(`${SLOT}.${who}`, JSON.stringify(now));
    } catch {
      sessionStorage.removeItem(`${SLOT}.${who}`); // full: no place is better than an old one
    }
  };
  addEventListener("pagehide", keep);
  return () => removeEventListener("pagehide", keep);
}

export function takePlace(who: string): Place | null {
  const kept = sessionStorage.getItem(`${SLOT}.${who}`);
  sessionStorage.removeItem(`${SLOT}.${who}`);
  if (kept === null) return null;
  const place = JSON.parse(kept) as Place;
  return { ...place, past: { ...place.past, chat: place.past.chat.map((line) => ({ ...line, fresh: false })) } };
}
