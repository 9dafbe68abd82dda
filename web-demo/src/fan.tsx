/** The fan page: one fan, one show, whatever the ticket is worth at the moment. */
import { render, type JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { listOrders, loadEntitlement, loadShow, type Show } from "./api";
import type { ViewerCommands } from "./contract.gen";
import { SPEAK } from "./features/chat";
import { fanPage, useFanPage } from "./features/parts";
import { useLanguage } from "./i18n";
import type { LiveOptions } from "./live";
import { deviceOfTab, type Session } from "./session";
import { barrier, headCountdown, isShut, tierOf, type RoomState } from "./state";
import { useRoom } from "./store";
import "./texts/pages";
import { ConnectionBanner, ConnectionChip, ShutDoor } from "./ui/connection";
import { Icon } from "./ui/icons";
import { Brand, CountdownLine, LanguageSwitch, LoginCard, TierBadge, useSession, useToasts } from "./ui/parts";
import { NoShow, ShowPicker, useShows } from "./ui/show_picker";
import "./styles/theme.css";
import "./styles/fan.css";

const query = new URLSearchParams(location.search);
const EMBEDDED = query.get("embed") === "1";
const MSGPACK = query.get("codec") === "msgpack";
const ORDERS_POLL_MS = 2_000;

/** The binary form of the contract: another path and the parser that goes with it. */
async function codec(): Promise<Pick<LiveOptions, "path" | "parser">> {
  if (!MSGPACK) return {};
  const { default: parser } = await import("socket.io-msgpack-parser");
  return { path: "/socket.io-msgpack/", parser };
}

function App({ wire }: { wire: Pick<LiveOptions, "path" | "parser"> }): JSX.Element {
  const [session, setSession, pending] = useSession("viewer", query.get("user"));
  const { t } = useLanguage();
  useEffect(() => void document.body.classList.toggle("embedded", EMBEDDED), []);
  if (session) return <Shows session={session} wire={wire} onLeave={() => { session.forget(); setSession(null); }} />;
  return (
    <div class="front">
      <header class="top"><Brand /><LanguageSwitch /></header>
      <main>{pending ? <p class="muted">{t("connection.connecting")}…</p> : <LoginCard role="viewer" title="login.title" lead="login.lead" onSession={setSession} />}</main>
    </div>
  );
}

function Shows({ session, wire, onLeave }: { session: Session; wire: Pick<LiveOptions, "path" | "parser">; onLeave: () => void }): JSX.Element {
  const choice = useShows(session, query.get("show"), !EMBEDDED);
  if (!choice.show) return <NoShow choice={choice} />;
  return <RoomPage key={choice.show.show} session={session} listed={choice.show} wire={wire} picker={<ShowPicker choice={choice} />} onLeave={onLeave} />;
}

function RoomPage({ session, listed, wire, picker, onLeave }: {
  session: Session; listed: Show; wire: Pick<LiveOptions, "path" | "parser">; picker: JSX.Element; onLeave: () => void;
}): JSX.Element {
  const { t } = useLanguage();
  const [show, setShow] = useState(listed);
  const [toasts, notify] = useToasts();
  const [store, state] = useRoom<ViewerCommands>(`${session.user}/${listed.room}`, () => ({ room: listed.room, token: session.provide, device: deviceOfTab(), asksFirst: true, ...wire }));
  const readOrders = useCallback(async () => {
    const orders = await session.ask((token) => listOrders(token, listed.show));
    if (orders.ok) store.dispatch({ event: "orders", data: orders.data });
    if (!isShut(store.state)) return;
    const entitlement = await session.ask((token) => loadEntitlement(token, listed.show));
    if (entitlement.ok) store.dispatch({ event: "entitlement", data: entitlement.data });
  }, [session, store]);

  useEffect(() => void session.ask((token) => loadShow(token, listed.show)).then((loaded) => loaded.ok && setShow(loaded.data)), [state.room?.phase]);
  useEffect(() => void readOrders(), [readOrders, state.connection.state, state.you?.version]);
  useDoorWatch(state, readOrders, () => store.live.connect());
  useTicketsInSight(state);

  const page = fanPage({ session, show, state, store, notify, embedded: EMBEDDED, readOrders: () => void readOrders() });
  useFanPage(page);

  const { connection } = state;
  const code = connection.state === "refused" ? connection.refusal.code : connection.state === "ended" ? connection.bye.code : null;
  const buying = code === "TICKET_REQUIRED" || code === "BALANCE_DUE";
  const countdown = headCountdown(state);
  return (
    <div class="page">
      {EMBEDDED ? <PaneHead session={session} state={state} /> : (
        <header class="top">
          <Brand />
          {picker}
          <nav class="top-links"><a href={`/?show=${encodeURIComponent(show.show)}`}>{t("nav.show")}</a><a href="/split">{t("nav.split")}</a><a href="/console">{t("nav.console")}</a></nav>
          <div class="top-me">
            <ConnectionChip state={state} />
            <bdi class="who">{session.user}</bdi>
            <TierBadge tier={tierOf(state)} testid="tier" />
            <LanguageSwitch />
            <button type="button" class="quiet" data-testid="leave" title={t("login.out")} aria-label={t("login.out")} onClick={onLeave}><Icon name="leave" size={17} /></button>
          </div>
        </header>
      )}
      <ConnectionBanner state={state} />
      {page.parts("banner", {})}
      {code !== null ? (
        <main class="shut">
          {EMBEDDED && buying && page.parts("picture", {})}
          <ShutDoor title={show.title} state={state} store={store}>{page.parts("door", { code })}</ShutDoor>
        </main>
      ) : (
        <main class="room">
          <div class="room-head">
            <h1 dir="auto">{state.room?.title ?? show.title}</h1>
            <span class={`phase phase-${state.room?.phase ?? show.phase}`} data-testid="phase" data-value={state.room?.phase ?? show.phase}>{t(`phase.${state.room?.phase ?? show.phase}`)}</span>
            <span class="muted here"><Icon name="users" size={16} />{t("online", { count: state.presence?.online ?? 0 })}</span>
            {countdown && <CountdownLine countdown={countdown} offset_ms={state.offset_ms} />}
          </div>
          <div class="room-main">{page.parts("picture", {})}{page.parts("main", {})}</div>
          <aside class="room-side">{page.parts("side", {})}</aside>
          <div class="room-foot">{page.parts("foot", {})}</div>
        </main>
      )}
      {toasts}
    </div>
  );
}

/** The head of a pane: who this is and what the ticket is worth, large enough to compare at a glance. */
function PaneHead({ session, state }: { session: Session; state: RoomState }): JSX.Element {
  const { t } = useLanguage();
  const speaks = barrier(state, SPEAK) === null;
  return (
    <header class="pane-head">
      <strong class="who"><bdi>{session.user}</bdi></strong>
      <TierBadge tier={tierOf(state)} testid="tier" />
      <span class={`badge speak-${speaks ? "yes" : "no"}`} data-testid="speak" data-value={speaks ? "yes" : "no"}><Icon name={speaks ? "chat" : "lock"} size={14} />{t(speaks ? "speak.yes" : "speak.no")}</span>
      <ConnectionChip state={state} />
    </header>
  );
}

/** Outside a shut door no event tells of a payment or refund: ask for the orders until they are settled; paid, knock again. */
function useDoorWatch(state: RoomState, readOrders: () => Promise<void>, knock: () => void): void {
  const shut = isShut(state);
  const waiting = shut && Object.values(state.orders).some((order) => order.state === "pending" || order.state === "refunding");
  const waited = useRef(false);
  useEffect(() => {
    if (!waiting) return;
    waited.current = true;
    const timer = setInterval(() => void readOrders(), ORDERS_POLL_MS);
    return () => clearInterval(timer);
  }, [waiting, readOrders]);
  // The ticket may have been bought or returned in another window.
  useEffect(() => {
    if (!shut) return;
    const look = () => void (document.hidden || readOrders());
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [shut, readOrders]);
  const paid = Object.values(state.orders).some((order) => order.state === "paid");
  useEffect(() => {
    if (state.connection.state !== "refused" || !waited.current || waiting || !paid) return;
    waited.current = false;
    knock();
  }, [state.connection.state, waiting, paid]);
}

/** Who followed a link to the tickets finds them in sight as soon as they stand on the page. */
function useTicketsInSight(state: RoomState): void {
  const shown = useRef(false);
  useEffect(() => {
    if (shown.current || location.hash !== "#tickets" || state.connection.state === "connecting" || state.connection.state === "idle") return;
    shown.current = true;
    document.getElementById("tickets")?.scrollIntoView({ block: "center" });
  }, [state.connection.state]);
}

const root = document.getElementById("app");
if (root) void codec().then((wire) => render(<App wire={wire} />, root));
