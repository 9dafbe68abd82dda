/** Which show this page is about: the one in the address, the one this browser was at last, else the demo's ticketed one. */
import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { demoShow, listShows, type Show } from "../api";
import { codeText, useLanguage } from "../i18n";
import type { Session } from "../session";
import { Brand, LanguageSwitch } from "./parts";

const REMEMBERED = "liveroom.show";
const OVER = ["ended", "replay", "cancelled"];

export interface Choice {
  show: Show | undefined;
  shows: readonly Show[];
  choose: (show: string) => void;
  failed: string | null;
  loaded: boolean;
  reload: () => void;
}

export function useShows(session: Session, wanted: string | null): Choice {
  const [shows, setShows] = useState<Show[]>([]);
  const [chosen, setChosen] = useState(wanted);
  const [failed, setFailed] = useState<string | null>(null);
  const [loaded, setLoaded] = useState(false);
  const load = useCallback(async () => {
    setFailed(null);
    let listed = await listShows(session.token);
    let found = listed.ok ? standing(listed.data, wanted) : undefined;
    if (listed.ok && !found) {
      // The demo puts on a fresh show where none is in presale, so ask before the list is read for good.
      const demo = await demoShow();
      listed = await listShows(session.token);
      if (listed.ok) found = (demo.ok ? listed.data.find((show) => show.show === demo.data.show) : undefined) ?? listed.data[0];
    }
    if (!listed.ok) return setFailed(listed.error.code);
    setShows(listed.data);
    setLoaded(true);
    setChosen(found?.show ?? null);
    if (found && !wanted) localStorage.setItem(REMEMBERED, found.show);
  }, [session, wanted]);
  useEffect(() => void load(), [load]);
  const choose = (show: string) => {
    localStorage.setItem(REMEMBERED, show);
    setChosen(show);
  };
  return { show: shows.find((one) => one.show === chosen), shows, choose, failed, loaded, reload: () => void load() };
}

/** The wanted show, else the one this browser was at last while it is not over. */
function standing(shows: readonly Show[], wanted: string | null): Show | undefined {
  const named = shows.find((show) => show.show === wanted);
  if (named) return named;
  const last = localStorage.getItem(REMEMBERED);
  return shows.find((show) => show.show === last && !OVER.includes(show.phase));
}

export function ShowPicker({ choice }: { choice: Choice }): JSX.Element {
  const { t } = useLanguage();
  return (
    <label class="show-picker">
      <span class="sr-only">{t("show.choose")}</span>
      <select value={choice.show?.show} data-testid="show" onChange={(event) => choice.choose(event.currentTarget.value)}>
        {choice.shows.map((one) => <option key={one.show} value={one.show}>{one.title} · {t(one === choice.show || one.access === "open" ? `access.${one.access}` : `phase.${one.phase}`)}</option>)}
      </select>
    </label>
  );
}

/** While there is no show to be on: why, and what to do. */
export function NoShow({ choice }: { choice: Choice }): JSX.Element {
  const { t } = useLanguage();
  return (
    <div class="front">
      <header class="top"><Brand /><LanguageSwitch /></header>
      <main>
        <div class="card">
          <p>{choice.failed ? codeText(t, choice.failed) : t(choice.loaded ? "show.none" : "show.loading")}</p>
          {choice.failed && <button type="button" class="primary" onClick={choice.reload}>{t("show.retry")}</button>}
        </div>
      </main>
    </div>
  );
}
