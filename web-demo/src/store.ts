/** Binds the pure state to Preact: a store of one room, and the hooks that read it. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { LiveRoom, type LiveOptions } from "./live";
import type { ConsoleCommands, ViewerCommands } from "./contract.gen";
export { useNow, useReducedMotion } from "./clock";
import { INITIAL, reduce, type Action, type RoomState } from "./state";

export class RoomStore<C extends ViewerCommands | ConsoleCommands> {
  state: RoomState = INITIAL;
  readonly live: LiveRoom<C>;
  private readonly listeners = new Set<() => void>();

  constructor(options: LiveOptions) {
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

/** A connected store of the room; closed when the component goes or `key` changes. */
export function useRoom<C extends ViewerCommands | ConsoleCommands>(key: string, options: () => LiveOptions): [RoomStore<C>, RoomState] {
  const store = useMemo(() => new RoomStore<C>(options()), [key]);
  const [, redraw] = useState(0);
  useEffect(() => {
    const stop = store.subscribe(() => redraw((count) => count + 1));
    store.live.connect();
    return () => {
      stop();
      store.live.close();
    };
  }, [store]);
  return [store, store.state];
}

export function newKey(): string {
  return crypto.randomUUID();
}
