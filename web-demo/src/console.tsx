/** The streamer console: one page to steer a show. */
import { render, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { loadShow, type Show } from "./api";
import type { ConsoleCommands, Role } from "./contract.gen";
import type { Act } from "./features/feature";
import { consolePage } from "./features/parts";
import { codeText, useLanguage } from "./i18n";
import { Session as Sessions, type Session } from "./session";
import { isShut } from "./state";
import { useRoom } from "./store";
import "./texts/pages";
import { ConnectionBanner, ConnectionChip, ShutDoor } from "./ui/connection";
import { Icon } from "./ui/icons";
import { Brand, LanguageSwitch, LoginCard, useSession, useToasts } from "./ui/parts";
import { NoShow, ShowPicker, useShows } from "./ui/show_picker";
import "./styles/theme.css";
import "./styles/console.css";

const query = new URLSearchParams(location.search);
/** Who opens the console: as the address says, as this tab was at last, else as the host. */
function firstRole(): Role {
  const named = query.get("role");
  if (named) return named === "moderator" ? "moderator" : "host";
  return !Sessions.remembered("host") && Sessions.remembered("moderator") ? "moderator" : "host";
}

function App(): JSX.Element {
  const [role, setRole] = useState(firstRole);
  const [session, setSession, pending] = useSession(role, query.get("user"));
  const { t } = useLanguage();
  if (session) return <Shows session={session} onLeave={() => { session.forget(); setSession(null); }} />;
  return (
    <div class="front">
      <header class="top"><Brand /><LanguageSwitch /></header>
      <main>{pending ? <p class="muted">{t("connection.connecting")}…</p> : <LoginCard role={role} roles={["host", "moderator"]} onRole={setRole} title="console.login" lead="console.lead" onSession={setSession} />}</main>
    </div>
  );
}

function Shows({ session, onLeave }: { session: Session; onLeave: () => void }): JSX.Element {
  const choice = useShows(session, query.get("show"));
  if (!choice.show) return <NoShow choice={choice} />;
  return <Desk key={choice.show.show} session={session} listed={choice.show} picker={<ShowPicker choice={choice} />} onLeave={onLeave} />;
}

function Desk({ session, listed, picker, onLeave }: { session: Session; listed: Show; picker: JSX.Element; onLeave: () => void }): JSX.Element {
  const { t } = useLanguage();
  const [show, setShow] = useState(listed);
  const [toasts, notify] = useToasts();
  const [store, state] = useRoom<ConsoleCommands>(`${session.user}/${listed.room}`, () => ({ namespace: "/console", room: listed.room, token: session.provide }));
  useEffect(() => void session.ask((token) => loadShow(token, listed.show)).then((loaded) => loaded.ok && setShow(loaded.data)), [session, state.room?.schedule.start_ms]);
  const act: Act = async (command, payload) => {
    const answer = await store.live.call(command, payload);
    if (answer.ok) return answer.data;
    notify(codeText(t, answer.error.code), "bad");
    return null;
  };
  const shut = isShut(state);
  const page = consolePage({ session, show, setShow, state, store, notify, act });
  return (
    <div class="page">
      <header class="top">
        <Brand />
        <strong class="muted">{t("console.title")}</strong>
        {picker}
        <nav class="top-links"><a href={`/?show=${encodeURIComponent(show.show)}`}>{t("nav.show")}</a><a href="/watch">{t("nav.fan")}</a><a href="/split">{t("nav.split")}</a></nav>
        <div class="top-me">
          <ConnectionChip state={state} />
          <bdi class="who">{session.user}</bdi>
          <span class="badge tier-vip">{t(`role.${state.you?.role ?? "host"}`)}</span>
          <LanguageSwitch />
          <button type="button" class="quiet" data-testid="leave" title={t("login.out")} aria-label={t("login.out")} onClick={onLeave}><Icon name="leave" size={17} /></button>
        </div>
      </header>
      <ConnectionBanner state={state} />
      {shut ? <main class="shut"><ShutDoor title={show.title} state={state} store={store} /></main> : (
        <main class="desk">
          <div class="desk-head">{page.parts("head", {})}</div>
          <div class="numbers">{page.parts("numbers", {})}</div>
          <div class="desk-column wide">{page.parts("feed", {})}</div>
          <div class="desk-column">{page.parts("left", {})}</div>
          <div class="desk-column">{page.parts("right", {})}</div>
        </main>
      )}
      {toasts}
    </div>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);
