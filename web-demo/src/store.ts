/** Binds the pure state to Preact: a store of one room, and the hooks that read it. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { LiveRoom, type LiveOptions } from "./live";
import type { ConsoleCommands, ViewerCommands } from "./contract.gen";
export { useNow, useReducedMotion } from "./clock";
import { keepPlace, takePlace } from "./resume";
import { INITIAL, reduce, type Action, type Past, type RoomState } from "./state";

export class RoomStore<C extends ViewerCommands | ConsoleCommands> {
  state: RoomState = INITIAL;
  readonly live: LiveRoom<C>;
  private readonly listeners = new Set<() => void>();

  constructor(options: LiveOptions, past?: Past) {
    if (past) this.state = { ...INITIAL, ...past };
    this.live = new LiveRoom<C>(options);
    this.live.listen((event) => this.dispatch(event));
  }

  dispatch(action: Action): void {
    const next = reduce(this.state, action);
    if (next === this.state) return;
    this.state = next;
    for (const listener of this.listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** A connected store of the room; closed when the component goes or `key` changes. A reload goes on where it was. */
export function useRoom<C extends ViewerCommands | ConsoleCommands>(key: string, options: () => LiveOptions): [RoomStore<C>, RoomState] {
  const [store, who] = useMemo(() => {
    const asked = options();
    const who = `${asked.namespace ?? "/live"}/${key}`;
    const place = takePlace(who);
    return [new RoomStore<C>({ ...asked, ...(place && { cursor: place.cursor }) }, place?.past), who] as const;
  }, [key]);
  const [, redraw] = useState(0);
  useEffect(() => {
    const stop = store.subscribe(() => redraw((count) => count + 1));
    const forget = keepPlace(who, () => {
      const { cursor } = store.live;
      const { chat, seen, next_seq } = store.state;
      return cursor === undefined ? null : { cursor, past: { chat, seen, next_seq } };
    });
    store.live.connect();
    return () => {
      forget();
      stop();
      store.live.close();
    };
  }, [store]);
  return [store, store.state];
}

export function newKey(): string {
  return crypto.randomUUID();
}
