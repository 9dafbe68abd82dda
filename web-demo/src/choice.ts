/** Which show a page is about, the same rule on every page. Pure but for the two that ask this browser's memory. */
import type { Show } from "./api";
import type { Phase } from "./contract.gen";

const REMEMBERED = "liveroom.show";
const OVER: readonly Phase[] = ["ended", "replay", "cancelled"];

export function isOver(phase: Phase): boolean {
  return OVER.includes(phase);
}

/**
 * The wanted show, else the one this browser was at last, else the newest ticketed one; the latter two only while
 * they are not over. A draft counts for nobody's default. Undefined: ask the demo for a show.
 */
export function defaultShow(shows: readonly Show[], wanted: string | null, last: string | null): Show | undefined {
  const on = shows.filter((show) => !isOver(show.phase) && show.phase !== "draft");
  return shows.find((show) => show.show === wanted) ?? on.find((show) => show.show === last) ?? newest(on.filter((show) => show.access === "ticketed"));
}

/** Ids rise with time. */
function newest(shows: readonly Show[]): Show | undefined {
  return shows.reduce<Show | undefined>((found, show) => (found && found.show > show.show ? found : show), undefined);
}

export function rememberedShow(): string | null {
  return localStorage.getItem(REMEMBERED);
}

export function rememberShow(show: string): void {
  localStorage.setItem(REMEMBERED, show);
}
