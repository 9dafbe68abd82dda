/** The streamer console: one page to steer a show. */
import { render, type ComponentChildren, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { loadShow, setRefunds, type Show } from "./api";
import type { ConsoleCommands, Role, Scale, Switches } from "./contract.gen";
import { clockOf, dayOf, money, timeOfDay } from "./format";
import { codeText, useLanguage, type TextKey } from "./i18n";
import type { Ack, Payload } from "./live";
import { Session as Sessions, type Session } from "./session";
import { headCountdown, sanctioned, type RoomState, type SaidLine } from "./state";
import { useRoom, type RoomStore } from "./store";
import { SalesLine } from "./ui/box_office";
import { EmptyChat, Line } from "./ui/chat";
import { ConnectionBanner, ConnectionChip, ShutDoor } from "./ui/connection";
import { Icon } from "./ui/icons";
import { Brand, CountdownLine, LanguageSwitch, LoginCard, Panel, TierBadge, TimeLeft, useSession, useToasts } from "./ui/parts";
import { PhaseBar } from "./ui/phase_bar";
import { NoShow, ShowPicker, useShows } from "./ui/show_picker";
import "./styles/theme.css";
import "./styles/console.css";

const query = new URLSearchParams(location.search);
const SCALES: readonly Scale[] = ["off", "vip", "ticket", "everyone"];
const SLOW_STEPS_MS = [0, 3_000, 5_000, 10_000, 30_000];
const AUDIT_SHOWN = 40;

/** Sends one command and says when it was refused. */
type Act = <K extends keyof ConsoleCommands & string>(command: K, payload: Payload<ConsoleCommands, K>) => Promise<Ack<ConsoleCommands, K> | null>;

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
  const refunds = async (until_ms: number | null) => {
    const changed = await session.ask((token) => setRefunds(token, show.show, until_ms));
    if (changed.ok) setShow(changed.data);
    else notify(codeText(t, changed.error.code), "bad");
  };
  const act: Act = async (command, payload) => {
    const answer = await store.live.call(command, payload);
    if (answer.ok) return answer.data;
    notify(codeText(t, answer.error.code), "bad");
    return null;
  };
  const shut = state.connection.state === "refused" || state.connection.state === "ended";
  const countdown = headCountdown(state);
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
          <div class="desk-head">
            <PhaseBar state={state} store={store} notify={notify} />
            {countdown && <CountdownLine countdown={countdown} offset_ms={state.offset_ms} />}
            <button type="button" class="danger panic" data-testid="panic" title={t("console.panic_hint")} onClick={() => void act("panic", {}).then((room) => room && store.dispatch({ event: "room", data: room }))}>
              <Icon name="alert" />{t("console.panic")}<small>{t("console.panic_hint")}</small>
            </button>
          </div>
          <Numbers state={state} show={show} />
          <div class="desk-column wide"><Feed state={state} act={act} /></div>
          <div class="desk-column">
            <Queue state={state} act={act} />
            <Sales state={state} show={show} />
            {steers(state) && <Countdowns state={state} act={act} />}
            {steers(state) && <Refunds show={show} save={refunds} />}
          </div>
          <div class="desk-column">
            <SwitchPanel state={state} store={store} act={act} />
            <PinPanel state={state} store={store} act={act} />
            {steers(state) && <NamesPanel state={state} act={act} />}
            <AuditPanel state={state} />
          </div>
        </main>
      )}
      {toasts}
    </div>
  );
}

/** What the show itself is about is the host's; moderators look after the people in it. The server decides. */
function steers(state: RoomState): boolean {
  return state.you?.role !== "moderator";
}

function Numbers({ state, show }: { state: RoomState; show: Show }): JSX.Element {
  const { t, language } = useLanguage();
  const { revenue, health } = state;
  const currency = revenue?.currency ?? show.currency;
  const shed = Object.entries(health?.shed ?? {}).filter(([, count]) => count > 0).map(([kind, count]) => `${kind} ${count}`).join(", ");
  return (
    <div class="numbers">
      <Number label={t("console.online")} testid="online">{state.presence?.online ?? 0}</Number>
      <Number label={t("console.gross")} testid="gross">{money(revenue?.gross_minor ?? 0, currency, language)}</Number>
      <Number label={t("console.refunded")} testid="refunded">{money(revenue?.refunded_minor ?? 0, currency, language)}</Number>
      <Number label={t("console.orders_paid")} testid="orders-paid">{revenue?.orders_paid ?? 0}</Number>
      <Number label={t("console.gift_credits")} testid="gift-credits">{revenue?.gift_credits ?? 0}</Number>
      <Number label={t("console.likes")} testid="likes">{state.like?.total ?? 0}</Number>
      {(health?.waiting ?? 0) > 0 && <Number label={t("console.waiting")} testid="waiting">{health?.waiting}</Number>}
      <Number label={t("console.lag")} testid="lag">{health ? `${health.lag_ms} ms` : "–"}</Number>
      <Number label={t("console.shed")} testid="shed">{shed || "0"}</Number>
    </div>
  );
}

function Number({ label, testid, children }: { label: string; testid: string; children: ComponentChildren }): JSX.Element {
  return <div class="number"><span>{label}</span><strong class="digits" data-testid={testid}>{children}</strong></div>;
}

function Feed({ state, act }: { state: RoomState; act: Act }): JSX.Element {
  const { t } = useLanguage();
  const [text, setText] = useState("");
  const giftName = (id: string) => state.room?.gifts.find((gift) => gift.id === id)?.name ?? id;
  const say = async (event: Event) => {
    event.preventDefault();
    if (text.trim() && (await act("danmaku", { text }))) setText("");
  };
  const sanctions = sanctioned(state.audit);
  return (
    <Panel title={t("console.feed")} icon="chat" class="feed" aside={<span class="muted digits">{t("online", { count: state.presence?.online ?? 0 })}</span>}>
      <div class="chat-list" role="log" data-testid="chat" tabIndex={0}><ol>
        {state.chat.length === 0 && <EmptyChat text={t("console.feed_empty")} />}
        {[...state.chat].reverse().map((line) => line.kind === "gap"
          ? <li key={line.id} class="feed-line"><Line line={line} t={t} giftName={giftName} /></li>
          : <FeedLine key={line.id} line={line} act={act} giftName={giftName} />)}
      </ol></div>
      <form class="say-row" onSubmit={say}>
        <input data-testid="say-input" aria-label={t("chat.placeholder")} placeholder={t("chat.placeholder")} value={text} dir="auto" maxLength={2400} onInput={(event) => setText(event.currentTarget.value)} />
        <button type="submit" class="primary" data-testid="say-button">{t("chat.send")}</button>
      </form>
      {(sanctions.muted.length > 0 || sanctions.banned.length > 0) && (
        <div class="sanctions">
          <span class="muted">{t("console.sanctions")}</span>
          {sanctions.muted.map((user) => <button type="button" key={`m${user}`} class="quiet small" onClick={() => void act("unmute", { user })}><bdi>{user}</bdi> · {t("console.unmute")}</button>)}
          {sanctions.banned.map((user) => <button type="button" key={`b${user}`} class="quiet small" onClick={() => void act("unban", { user })}><bdi>{user}</bdi> · {t("console.unban")}</button>)}
        </div>
      )}
    </Panel>
  );
}

function FeedLine({ line, act, giftName }: { line: SaidLine; act: Act; giftName: (id: string) => string }): JSX.Element {
  const { t, language } = useLanguage();
  const user = line.item.user;
  const staff = line.kind === "danmaku" && line.item.role !== undefined && line.item.role !== "viewer";
  const button = (text: TextKey, run: () => Promise<unknown>, look = "quiet") => <button type="button" class={`${look} small`} onClick={() => void run()}>{t(text)}</button>;
  return (
    <li class="feed-line" data-id={line.id}>
      <time class="muted digits">{timeOfDay(line.item.at_ms, language)}</time>
      <Line line={line} t={t} giftName={giftName} />
      <span class="feed-actions">
        {line.kind === "danmaku" && button("console.pin", () => act("pin", { id: line.id }))}
        {line.kind === "danmaku" && button("console.retract", () => act("retract", { id: line.id }))}
        {!staff && (
          <>
            {button("console.invite", () => act("cohost:invite", { user }))}
            {button("console.mute", () => act("mute", { user, minutes: 10 }))}
            {button("console.kick", () => act("kick", { user }))}
            {button("console.ban", () => act("ban", { user }), "quiet danger-text")}
          </>
        )}
      </span>
    </li>
  );
}

function Queue({ state, act }: { state: RoomState; act: Act }): JSX.Element {
  const { t } = useLanguage();
  const members = state.stage?.members ?? [];
  const queue = state["cohost:queue"]?.items ?? [];
  return (
    <>
      <Panel title={t("console.queue")} icon="mic" aside={<span class="muted digits">{queue.length}</span>}>
        <ul class="rows" data-testid="queue">
          {queue.length === 0 && <li class="muted">{t("console.queue_empty")}</li>}
          {queue.map((item) => (
            <li key={item.user} class="row">
              <span class="row-who"><bdi class="name">{item.name}</bdi> <TierBadge tier={item.tier} />{item.message && <em class="muted" dir="auto">{item.message}</em>}</span>
              {item.state === "invited" ? <span class="muted">{t("console.invited")}</span> : <button type="button" class="primary small" data-testid={`approve-${item.user}`} onClick={() => void act("cohost:approve", { user: item.user })}>{t("console.approve")}</button>}
              <button type="button" class="quiet small" data-testid={`reject-${item.user}`} onClick={() => void act("cohost:reject", { user: item.user })}>{t("console.reject")}</button>
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title={t("stage.title")} icon="users" aside={state.stage && <span class="muted digits">{members.length}/{state.stage.capacity}</span>}>
        <ul class="rows" data-testid="stage">
          {members.length === 0 && <li class="muted">{t("console.stage_empty")}</li>}
          {members.map((member) => (
            <li key={member.user} class="row">
              <span class="row-who"><bdi class="name">{member.name}</bdi></span>
              <button type="button" class="quiet small" data-testid={`remove-${member.user}`} onClick={() => void act("cohost:remove", { user: member.user })}>{t("console.remove")}</button>
            </li>
          ))}
        </ul>
      </Panel>
    </>
  );
}

function Sales({ state, show }: { state: RoomState; show: Show }): JSX.Element {
  const { t, language } = useLanguage();
  return (
    <Panel title={t("console.sales")} icon="ticket">
      <div class="sales" data-testid="sales">
        {show.products.map((product) => {
          const held = state.sales?.products.find((sales) => sales.id === product.id)?.held ?? product.held;
          return (
            <div key={product.id} class={`sale tier-${product.tier}`}>
              <div class="row"><b dir="auto">{product.name}</b><span class="muted">{money(product.price_minor, product.currency, language)}</span></div>
              <SalesLine product={product} state={state} />
              {held > 0 && <small class="muted digits">{t("console.held", { held })}</small>}
            </div>
          );
        })}
      </div>
    </Panel>
  );
}

function Countdowns({ state, act }: { state: RoomState; act: Act }): JSX.Element {
  const { t } = useLanguage();
  const [kind, setKind] = useState<"custom" | "doors" | "show">("custom");
  const [label, setLabel] = useState("");
  const [minutes, setMinutes] = useState("5");
  const running = Object.values(state.countdowns).filter((one) => one.scope === "room" && one.target_ms !== null);
  const set = async (event: Event) => {
    event.preventDefault();
    const target_ms = Math.round(Date.now() + state.offset_ms + parseFloat(minutes) * 60_000);
    if (window.Number.isFinite(target_ms)) await act("countdown:set", { target_ms, kind, label });
  };
  return (
    <Panel title={t("console.countdown")} icon="clock">
      <ul class="rows" data-testid="countdowns">
        {running.map((one) => (
          <li key={one.id} class="row">
            <span class="row-who"><b dir="auto">{one.label || t(one.kind === "doors" || one.kind === "show" ? `kind.${one.kind}` : "kind.custom")}</b></span>
            <TimeLeft target_ms={one.target_ms ?? 0} offset_ms={state.offset_ms} />
            <button type="button" class="quiet small" onClick={() => void act("countdown:clear", { id: one.id })}>{t("console.countdown_clear")}</button>
          </li>
        ))}
      </ul>
      <form class="inline" onSubmit={set}>
        <select aria-label={t("console.countdown_kind")} value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
          {(["custom", "doors", "show"] as const).map((one) => <option key={one} value={one}>{t(`kind.${one}`)}</option>)}
        </select>
        <input aria-label={t("console.countdown_label")} placeholder={t("console.countdown_label")} maxLength={1920} dir="auto" value={label} onInput={(event) => setLabel(event.currentTarget.value)} />
        <input aria-label={t("console.countdown_minutes")} type="number" min="0.5" step="0.5" class="short" value={minutes} onInput={(event) => setMinutes(event.currentTarget.value)} />
        <button type="submit" data-testid="countdown-set">{t("console.countdown_set")}</button>
      </form>
    </Panel>
  );
}

/** Until when tickets may be returned; the server moves it along with the show. */
function Refunds({ show, save }: { show: Show; save: (until_ms: number | null) => Promise<void> }): JSX.Element {
  const { t, language } = useLanguage();
  const [wanted, setWanted] = useState("");
  const until_ms = show.refund_until_ms;
  const set = async (event: Event) => {
    event.preventDefault();
    const at_ms = new Date(wanted).getTime();
    if (window.Number.isFinite(at_ms)) await save(at_ms);
  };
  return (
    <Panel title={t("console.refunds")} icon="ticket">
      <p data-testid="refund-until">{until_ms === null ? t("console.refunds_doors") : t("console.refunds_until", { date: dayOf(until_ms, language), time: clockOf(until_ms, language) })}</p>
      <form class="inline" onSubmit={set}>
        <input type="datetime-local" data-testid="refund-date" aria-label={t("console.refunds_date")} value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        <button type="submit" data-testid="refund-set">{t("console.refunds_set")}</button>
        {until_ms !== null && <button type="button" class="quiet" data-testid="refund-doors" onClick={() => void save(null)}>{t("console.refunds_clear")}</button>}
      </form>
    </Panel>
  );
}

function SwitchPanel({ state, store, act }: { state: RoomState; store: RoomStore<ConsoleCommands>; act: Act }): JSX.Element {
  const { t } = useLanguage();
  const switches = state.room?.switches;
  const fixed = !steers(state);
  const flip = async (changes: Partial<Switches>) => {
    const room = await act("room:switches", changes);
    if (room) store.dispatch({ event: "room", data: room });
  };
  return (
    <Panel title={t("console.switches")} icon="sliders">
      {(["chat", "gifts", "cohost", "likes"] as const).map((name) => (
        <div class="switch-row" key={name}>
          <span>{t(`console.${name}`)}</span>
          <div class="segmented" role="group" aria-label={t(`console.${name}`)}>
            {SCALES.map((scale) => <button type="button" key={scale} data-testid={`switch-${name}-${scale}`} aria-pressed={switches?.[name] === scale} disabled={fixed} onClick={() => void flip({ [name]: scale })}>{t(`scale.${scale}`)}</button>)}
          </div>
        </div>
      ))}
      <div class="switch-row">
        <span>{t("console.slow")}</span>
        <div class="segmented" role="group" aria-label={t("console.slow")}>
          {SLOW_STEPS_MS.map((slow_ms) => <button type="button" key={slow_ms} aria-pressed={switches?.slow_ms === slow_ms} disabled={fixed} onClick={() => void flip({ slow_ms })}>{slow_ms === 0 ? t("console.slow_off") : `${slow_ms / 1000} s`}</button>)}
        </div>
      </div>
      {(["links", "emoji_only", "sales_left"] as const).map((name) => (
        <label class="switch-row" key={name}>
          <span>{t(`console.${name}`)}</span>
          <input type="checkbox" role="switch" data-testid={`switch-${name}`} checked={switches?.[name] ?? false} disabled={fixed} onChange={(event) => void flip({ [name]: event.currentTarget.checked })} />
        </label>
      ))}
    </Panel>
  );
}

function PinPanel({ state, store, act }: { state: RoomState; store: RoomStore<ConsoleCommands>; act: Act }): JSX.Element {
  const { t } = useLanguage();
  const [text, setText] = useState("");
  const announce = async (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    const pins = await act("announce", { text });
    if (!pins) return;
    store.dispatch({ event: "pins", data: pins });
    setText("");
  };
  return (
    <Panel title={t("console.pins")} icon="megaphone">
      {steers(state) && (
        <form class="inline" onSubmit={announce}>
          <input data-testid="announce-input" placeholder={t("console.announce_placeholder")} aria-label={t("console.announce")} maxLength={7200} dir="auto" value={text} onInput={(event) => setText(event.currentTarget.value)} />
          <button type="submit" data-testid="announce-button">{t("console.announce")}</button>
        </form>
      )}
      <ul class="rows" data-testid="pins">
        {!state.pins?.items.length && <li class="muted">{t("console.pins_empty")}</li>}
        {state.pins?.items.map((pin) => (
          <li key={pin.id} class="row">
            <span class="row-who"><Icon name={pin.kind === "announcement" ? "megaphone" : "pin"} size={15} /><span dir="auto">{pin.text}</span></span>
            <button type="button" class="quiet small" onClick={() => void act("unpin", { id: pin.id })}>{t("console.unpin")}</button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** What viewers may not call themselves: a list of the show's own. */
function NamesPanel({ state, act }: { state: RoomState; act: Act }): JSX.Element {
  const { t } = useLanguage();
  const [name, setName] = useState("");
  const names = state.names?.names ?? [];
  const add = async (event: Event) => {
    event.preventDefault();
    if (name.trim() && (await act("names:set", { names: [...names, name] }))) setName("");
  };
  return (
    <Panel title={t("console.names")} icon="users">
      <form class="inline" onSubmit={add}>
        <input data-testid="names-input" placeholder={t("console.names_placeholder")} aria-label={t("console.names_placeholder")} maxLength={960} dir="auto" value={name} onInput={(event) => setName(event.currentTarget.value)} />
        <button type="submit" data-testid="names-button">{t("console.names_add")}</button>
      </form>
      <ul class="rows" data-testid="names">
        {names.length === 0 && <li class="muted">{t("console.names_empty")}</li>}
        {names.map((one) => (
          <li key={one} class="row">
            <span class="row-who"><bdi class="name">{one}</bdi></span>
            <button type="button" class="quiet small" onClick={() => void act("names:set", { names: names.filter((other) => other !== one) })}>{t("console.names_remove")}</button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function AuditPanel({ state }: { state: RoomState }): JSX.Element {
  const { t, language } = useLanguage();
  return (
    <Panel title={t("console.audit")} icon="log" class="audit">
      <ul class="rows" data-testid="audit" tabIndex={0}>
        {state.audit.length === 0 && <li class="muted">{t("console.audit_empty")}</li>}
        {state.audit.slice(-AUDIT_SHOWN).reverse().map((item) => (
          <li key={item.id}><time class="muted digits">{timeOfDay(item.at_ms, language)}</time> <bdi class="name">{item.by}</bdi> <code>{item.action}</code> <bdi>{item.target}</bdi></li>
        ))}
      </ul>
    </Panel>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);
