/** Which show this page is about: the demo's ticketed one unless somebody chooses another. */
import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { demoShow, listShows, type Show } from "../api";
import { codeText, useLanguage } from "../i18n";
import type { Session } from "../session";
import { Brand, LanguageSwitch } from "./parts";

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
    const [listed, demo] = await Promise.all([listShows(session.token), demoShow()]);
    if (!listed.ok) return setFailed(listed.error.code);
    setShows(listed.data);
    setLoaded(true);
    setChosen((held) => listed.data.find((show) => show.show === held)?.show ?? (demo.ok ? demo.data.show : listed.data[0]?.show) ?? null);
  }, [session]);
  useEffect(() => void load(), [load]);
  return { show: shows.find((one) => one.show === chosen), shows, choose: setChosen, failed, loaded, reload: () => void load() };
}

export function ShowPicker({ choice }: { choice: Choice }): JSX.Element {
  const { t } = useLanguage();
  return (
    <label class="show-picker">
      <span class="sr-only">{t("show.choose")}</span>
      <select value={choice.show?.show} data-testid="show" onChange={(event) => choice.choose(event.currentTarget.value)}>
        {choice.shows.map((one) => <option key={one.show} value={one.show}>{one.title} · {t(`access.${one.access}`)}</option>)}
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
