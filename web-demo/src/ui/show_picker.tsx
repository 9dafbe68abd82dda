/** Which show this page is about, and the way to another. */
import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { demoShow, listShows, loadShow, type Show } from "../api";
import { defaultShow, rememberedShow, rememberShow } from "../choice";
import { codeText, useLanguage } from "../i18n";
import type { Result } from "../live";
import { isStale, type Session } from "../session";
import { Brand, LanguageSwitch } from "./parts";
import { PosterBand } from "./show_poster";

const RETRY_MS = 3_000;

export interface Choice {
  show: Show | undefined;
  shows: readonly Show[];
  choose: (show: string) => void;
  failed: string | null;
  loaded: boolean;
  reload: () => void;
}

/**
 * The shows somebody may know of (without a session: the public), and the one to begin with. The list may be a second
 * old, so a show that is named and not in it is asked for by itself: nobody is to stand before another one.
 */
export async function findShow(session: Session | null, wanted: string | null): Promise<Result<{ shows: Show[]; found: Show | undefined }>> {
  const ask = <T,>(call: (token: string | null) => Promise<Result<T>>) => (session ? session.ask(call) : call(null));
  const listed = await ask(listShows);
  const known = listed.ok && wanted !== null ? await withShow(listed.data, wanted, ask) : listed;
  if (!known.ok) return known;
  const found = defaultShow(known.data, wanted, rememberedShow());
  if (found) return { ok: true, data: { shows: known.data, found } };
  // The demo puts on a fresh show where none is on sale.
  const demo = await demoShow();
  const again = demo.ok ? await withShow(known.data, demo.data.show, ask) : known;
  if (!again.ok) return again;
  return { ok: true, data: { shows: again.data, found: again.data.find((show) => demo.ok && show.show === demo.data.show) ?? again.data[0] } };
}

type Ask = <T>(call: (token: string | null) => Promise<Result<T>>) => Promise<Result<T>>;

async function withShow(shows: Show[], named: string, ask: Ask): Promise<Result<Show[]>> {
  if (shows.some((show) => show.show === named)) return { ok: true, data: shows };
  const loaded = await ask((token) => loadShow(token, named));
  if (loaded.ok) return { ok: true, data: [...shows, loaded.data] };
  return loaded.error.code === "NOT_FOUND" ? { ok: true, data: shows } : loaded;
}

/** `remember`: come back to this show where no other is named. */
export function useShows(session: Session, wanted: string | null, remember = true): Choice {
  const [shows, setShows] = useState<Show[]>([]);
  const [chosen, setChosen] = useState(wanted);
  const [failed, setFailed] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [loaded, setLoaded] = useState(false);
  const load = useCallback(async () => {
    const answer = await findShow(session, wanted);
    setAttempt((count) => count + 1);
    if (!answer.ok) return setFailed(answer.error.code);
    setFailed(null);
    const { shows, found } = answer.data;
    setShows(shows);
    setLoaded(true);
    setChosen(found?.show ?? null);
    if (found && remember) rememberShow(found.show);
  }, [session, wanted]);
  useEffect(() => void load(), [load]);
  useEffect(() => {
    if (!failed || isStale(failed)) return;
    const timer = setTimeout(load, RETRY_MS);
    return () => clearTimeout(timer);
  }, [failed, attempt, load]);
  const choose = (show: string) => {
    rememberShow(show);
    setChosen(show);
  };
  return { show: shows.find((one) => one.show === chosen), shows, choose, failed, loaded, reload: () => void load() };
}

export function ShowPicker({ choice }: { choice: Choice }): JSX.Element {
  const { t } = useLanguage();
  return (
    <label class="show-picker">
      <span class="sr-only">{t("show.choose")}</span>
      <select value={choice.show?.show} data-testid="show" onChange={(event) => choice.choose(event.currentTarget.value)}>
        {choice.shows.map((one) => <option key={one.show} value={one.show}>{`\u2068${one.title}\u2069`} · {t(one === choice.show || one.access === "open" ? `access.${one.access}` : `phase.${one.phase}`)}</option>)}
      </select>
    </label>
  );
}

/** While there is no show to be on: why, and what to do. */
export function NoShow({ choice }: { choice: Choice }): JSX.Element {
  const { t } = useLanguage();
  const stale = choice.failed !== null && isStale(choice.failed);
  return (
    <div class="front">
      <header class="top"><Brand /><LanguageSwitch /></header>
      <main>
        <div class="card no-show" role="status" data-testid="no-show" data-code={choice.failed ?? ""}>
          <PosterBand title="liveroom" />
          <h1>{choice.failed ? stale ? codeText(t, choice.failed) : t("intro.unreachable") : t(choice.loaded ? "show.none" : "show.loading")}</h1>
          {choice.failed && <p class="muted">{stale ? t("login.kept") : `${codeText(t, choice.failed)} ${t("intro.trying")}`}</p>}
          {choice.failed && <button type="button" class="primary" data-testid={stale ? "log-in-again" : "try-again"} onClick={choice.reload}>{t(stale ? "login.again" : "show.retry")}</button>}
          {choice.loaded && !choice.failed && <a class="button" href="/" target="_top">{t("door.to_show")}</a>}
        </div>
      </main>
    </div>
  );
}
