/** Keeps what the introduction knows of its show up to date, without a login: the public API, asked while somebody looks. */
import { useEffect, useRef, useState } from "preact/hooks";
import { listShows, loadShow, type Show } from "../api";
import { betterClock, freshness, pollDelay, readClock, type ClockReading, type Freshness } from "../front";
import { useNow } from "../clock";

/** The other shows matter less: asked for with every tenth answer. */
const LIST_EVERY = 10;

export interface Watched {
  show: Show;
  shows: readonly Show[];
  /** Server clock minus local clock. */
  offset_ms: number;
  /** Local time of the last answer. */
  heard_ms: number;
  freshness: Freshness;
}

interface Heard {
  show: Show;
  shows: readonly Show[];
  clock: ClockReading | null;
  heard_ms: number;
  failures: number;
}

/** Rests while the page is hidden. `onGone`: the show is not there any more. */
export function useShowWatch(first: Show, listed: readonly Show[], onGone: () => void): Watched {
  const [heard, setHeard] = useState<Heard>({ show: first, shows: listed, clock: null, heard_ms: Date.now(), failures: 0 });
  const gone = useRef(onGone);
  gone.current = onGone;
  const now = useNow();

  useEffect(() => {
    let closed = false;
    let asking = false;
    let answers = 0;
    let failures = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      clearTimeout(timer);
      if (asking || document.hidden) return;
      asking = true;
      const sent_ms = Date.now();
      const answer = await loadShow(null, first.show);
      const heard_ms = Date.now();
      asking = false;
      if (closed) return;
      failures = answer.ok ? 0 : failures + 1;
      if (answer.ok) {
        const clock = readClock(sent_ms, heard_ms, answer.data.server_ms);
        setHeard((held) => ({ ...held, show: answer.data, clock: betterClock(held.clock, clock), heard_ms, failures }));
        if (++answers % LIST_EVERY === 0) void listShows(null).then((list) => list.ok && !closed && setHeard((held) => ({ ...held, shows: list.data })));
      } else {
        setHeard((held) => ({ ...held, failures }));
        if (answer.error.code === "NOT_FOUND") return gone.current();
      }
      timer = setTimeout(ask, pollDelay(failures, answer.ok ? 0 : answer.error.retry_after_ms ?? 0));
    };
    const look = () => void ask();
    document.addEventListener("visibilitychange", look);
    addEventListener("online", look);
    void ask();
    return () => {
      closed = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
      removeEventListener("online", look);
    };
  }, [first.show]);

  const { show, shows, clock, heard_ms, failures } = heard;
  return { show, shows, heard_ms, offset_ms: clock?.offset_ms ?? 0, freshness: freshness(heard_ms, now, failures, navigator.onLine) };
}
