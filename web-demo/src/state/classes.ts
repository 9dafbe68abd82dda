/** What each class of events does to the state, written once. No event has a name here. */
import { EVENT_CLASSES, EVENT_KEYS, type ServerEvents, type Welcome } from "../contract.gen";
import { CHAT_LINES, SEEN_IDS, type ChatLine, type HistoryEvent, type KeyedEvent, type Lists, type RoomState, type ValueEvent } from "./room";

const LISTS: Lists = { inbox: [], audit: [] };
const EMPTY = Object.fromEntries([
  ...eventsOf("state", "personal", "console").filter((event) => !isKeyed(event) && !(event in LISTS)).map((event) => [event, null]),
  ...Object.keys(EVENT_KEYS).map((event) => [`${event}s`, {}]),
]) as Pick<RoomState, ValueEvent | `${KeyedEvent}s`>;

export const INITIAL: RoomState = {
  ...EMPTY,
  ...LISTS,
  connection: { state: "idle" }, offset_ms: 0, you: null, standing: null, login: { state: "safe" }, chat: [], seen: [],
  next_seq: 1, caught_up: null, truncated: false, degraded_since_ms: null, draining: false,
};

/** By the class of the event alone; `fresh` is what happened just now. */
export function takenIn(state: RoomState, event: keyof ServerEvents, data: ServerEvents[keyof ServerEvents], fresh = true): RoomState {
  switch (EVENT_CLASSES[event]) {
    case "history":
      return told(state, event, data as ServerEvents[HistoryEvent], fresh);
    case "state":
    case "personal":
    case "console":
      return isKeyed(event) ? oneOfMany(state, event, [data as ServerEvents[KeyedEvent]]) : latest(state, event as ValueEvent, data as ServerEvents[ValueEvent]);
    default:
      return state; // `link`, and an event of a newer gateway
  }
}

/** The latest version wins, in whatever order they come. */
export function latest<E extends ValueEvent>(state: RoomState, event: E, data: ServerEvents[E]): RoomState {
  return isNewer(state[event], data) ? { ...state, [event]: data } : state;
}

/** The latest version of each wins. */
export function oneOfMany<E extends KeyedEvent>(state: RoomState, event: E, values: readonly ServerEvents[E][]): RoomState {
  const held: Record<string, object> = { ...state[`${event}s`] };
  for (const value of values) {
    const key = keyOf(event, value);
    if (isNewer(held[key] ?? null, value)) held[key] = value;
  }
  return { ...state, [`${event}s`]: held };
}

/** Versions may repeat (a grant renewed within one version), they never fall. What has none is as new as it comes. */
export function isNewer(held: object | null, next: object): boolean {
  return held === null || !("version" in held) || !("version" in next) || (next.version as number) >= (held.version as number);
}

/** Items of history; a recovery may repeat what was already seen. */
function told(state: RoomState, event: string, { items }: { items: readonly { id: string }[] }, fresh: boolean): RoomState {
  return appended(state, items.map((item) => ({ kind: event, id: item.id, item, fresh }) as NewLine));
}

type NewLine = ChatLine extends infer L ? (L extends ChatLine ? Omit<L, "seq"> : never) : never;

export function appended(state: RoomState, lines: readonly NewLine[]): RoomState {
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

/**
 * A welcome has the whole value of every `state` and `personal` event under its name, or all of its many under the
 * plural, and what it does not have is not there any more. A console is told the rest right after it, and whatever
 * comes then replaces what is shown.
 */
export function welcomedValues(state: RoomState, welcome: Welcome): RoomState {
  const whole = { ...welcome, ...welcome.you } as Record<string, unknown>;
  const next: Record<string, unknown> = { ...state };
  for (const event of eventsOf("state", "personal")) {
    if (isKeyed(event)) next[`${event}s`] = Object.fromEntries(((whole[`${event}s`] ?? []) as ServerEvents[KeyedEvent][]).map((value) => [keyOf(event, value), value]));
    else if (event in EMPTY) next[event] = isRecord(whole[event]) ? whole[event] : null;
  }
  for (const event of eventsOf("console")) {
    const held = next[event];
    if (isRecord(held) && "version" in held) next[event] = { ...held, version: -1 };
  }
  return next as unknown as RoomState;
}

function eventsOf(...classes: string[]): (keyof ServerEvents)[] {
  return (Object.keys(EVENT_CLASSES) as (keyof ServerEvents)[]).filter((event) => classes.includes(EVENT_CLASSES[event]));
}

function isKeyed(event: keyof ServerEvents): event is KeyedEvent {
  return event in EVENT_KEYS;
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyOf(event: KeyedEvent, value: ServerEvents[KeyedEvent]): string {
  return (value as unknown as Record<string, string>)[EVENT_KEYS[event]] ?? "";
}
