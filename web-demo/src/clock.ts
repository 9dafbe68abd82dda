/** Hooks on the local time and on the reader's wish for rest; free of the socket, so that every page may use them. */
import { useEffect, useMemo, useState } from "preact/hooks";

/** The local time, moving on its own. */
export function useNow(every_ms = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return now;
}

/** Whether the reader asked for little motion. */
export function useReducedMotion(): boolean {
  const query = useMemo(() => matchMedia("(prefers-reduced-motion: reduce)"), []);
  const [reduced, setReduced] = useState(query.matches);
  useEffect(() => {
    const listen = () => setReduced(query.matches);
    query.addEventListener("change", listen);
    return () => query.removeEventListener("change", listen);
  }, [query]);
  return reduced;
}
