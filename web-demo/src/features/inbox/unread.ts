/** Which of the kept notices about money this browser has not yet shown. */
import type { Notice } from "../../api";

const READ = "liveroom.read";
/** More than an inbox has at most, so that what it still has is never forgotten. */
const READ_IDS = 200;

type Memory = Pick<Storage, "getItem" | "setItem">;

/** Each once per user and browser: takes the notices that were not taken before, oldest first, and marks them as read. */
export function takeUnread(user: string, notices: readonly Notice[], memory: Memory = localStorage): Notice[] {
  const slot = `${READ}.${user}`;
  const read = readIds(memory.getItem(slot));
  const unread = notices.filter((notice) => !read.includes(notice.id)).sort((one, other) => one.at_ms - other.at_ms);
  if (unread.length === 0) return [];
  try {
    memory.setItem(slot, JSON.stringify([...read, ...unread.map((notice) => notice.id)].slice(-READ_IDS)));
  } catch {
    // A browser that keeps nothing tells them once more: better twice than never.
  }
  return unread;
}

function readIds(kept: string | null): string[] {
  try {
    const ids: unknown = JSON.parse(kept ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}
