/** The introduction of a show, for anybody: what it is, when, what a ticket gives, and the ways in. Nothing here needs a login. */
import { render, type JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import type { Product, Show } from "./api";
import type { Phase } from "./contract.gen";
import { isOver, rememberShow } from "./choice";
import { useNow } from "./clock";
import { clockOf, dayOf, duration, money, zoneOf } from "./format";
import { awaited, beside, cheapest, counts, isEnterable, isSoldOut, parts, selling } from "./front";
import { codeText, useLanguage, type TextKey, type Translate } from "./i18n";
import "./texts/intro";
import { Icon } from "./ui/icons";
import { Brand, LanguageSwitch, Meter } from "./ui/parts";
import { findShow } from "./ui/show_picker";
import { PosterBand, ShowPoster } from "./ui/show_poster";
import { useShowWatch, type Watched } from "./ui/show_watch";
import "./styles/theme.css";
import "./styles/intro.css";

const WANTED = new URLSearchParams(location.search).get("show");
const RETRY_MS = 3_000;

interface Found {
  shows: readonly Show[];
  show: Show;
}

function App(): JSX.Element {
  const { t } = useLanguage();
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [none, setNone] = useState(false);
  const load = useCallback(async () => {
    const answer = await findShow(null, WANTED);
    setProblem(answer.ok ? null : answer.error.code);
    if (!answer.ok) return;
    setNone(!answer.data.found);
    setFound(answer.data.found ? { shows: answer.data.shows, show: answer.data.found } : null);
  }, []);
  useEffect(() => void load(), [load]);
  useEffect(() => {
    if (found || !(problem || none)) return;
    const timer = setInterval(load, RETRY_MS);
    return () => clearInterval(timer);
  }, [found, problem, none, load]);
  if (found) return <Introduction key={found.show.show} found={found} onGone={() => setFound(null)} onAgain={() => void load()} />;
  return (
    <div class="front">
      <header class="top"><Brand /><LanguageSwitch /></header>
      <main>
        <div class="card" role="status" data-testid="intro-waiting" data-code={problem ?? ""}>
          <PosterBand title="liveroom" />
          <h1>{t(problem ? "intro.unreachable" : none ? "show.none" : "show.loading")}</h1>
          {problem && <p class="muted">{codeText(t, problem)} {t("intro.trying")}</p>}
          {(problem || none) && <button type="button" class="primary" onClick={() => void load()}>{t("show.retry")}</button>}
        </div>
      </main>
    </div>
  );
}

function Introduction({ found, onGone, onAgain }: { found: Found; onGone: () => void; onAgain: () => void }): JSX.Element {
  const { t } = useLanguage();
  const watched = useShowWatch(found.show, found.shows, () => { onGone(); onAgain(); });
  const { show } = watched;
  useEffect(() => void (document.title = `${show.title} · liveroom`), [show.title]);
  return (
    <div class="page intro">
      <a class="skip" href="#tickets">{t("intro.skip")}</a>
      <header class="top">
        <Brand />
        <nav class="top-links"><a href={watchAddress(show)}>{t("nav.fan")}</a><a href="/split">{t("nav.split")}</a><a href="/console">{t("nav.console")}</a></nav>
        <div class="top-me"><LineState watched={watched} /><LanguageSwitch /></div>
      </header>
      <main>
        <Bill watched={watched} />
        <div class="intro-columns">
          <Tickets show={show} />
          <div class="intro-aside">
            <Schedule watched={watched} />
            <Beside watched={watched} />
          </div>
        </div>
        <Backstage show={show} />
      </main>
      <footer class="intro-foot"><a href="/docs" data-testid="to-docs">{t("nav.docs")}</a></footer>
    </div>
  );
}

/** Whether the numbers are of this moment. */
function LineState({ watched }: { watched: Watched }): JSX.Element {
  const { t, language } = useLanguage();
  const { freshness } = watched;
  return (
    <span class={`chip fresh-${freshness}`} role="status" data-testid="freshness" data-value={freshness}>
      <i class="chip-dot" />{t(`intro.${freshness}`, { time: clockOf(watched.heard_ms, language) })}
    </span>
  );
}

/** The poster with all that decides: what, when, how long still, and the way in. */
function Bill({ watched }: { watched: Watched }): JSX.Element {
  const { t, language } = useLanguage();
  const { show } = watched;
  const { start_ms } = show.schedule;
  return (
    <section class="bill" data-testid="bill" data-phase={show.phase} aria-labelledby="title">
      <ShowPoster title={show.title} large />
      <div class="bill-text">
        <p class="bill-kicker">
          <span class={`stamp stamp-${stampOf(show)}`} data-testid="phase" data-value={show.phase}>{t(stampText(show))}</span>
          <span>{t(show.access === "open" ? "intro.open" : "intro.ticketed")}</span>
        </p>
        <h1 id="title" dir="auto">{show.title}</h1>
        <p class="bill-when"><Icon name="clock" /><time dateTime={new Date(start_ms).toISOString()}>{t("intro.at", { day: dayOf(start_ms, language), time: clockOf(start_ms, language) })}</time></p>
        <Wait watched={watched} />
        <WaysIn show={show} />
        <Sold show={show} />
      </div>
    </section>
  );
}

/** The countdown while there is something to wait for, else what the moment is. */
function Wait({ watched }: { watched: Watched }): JSX.Element {
  const { t } = useLanguage();
  const { show } = watched;
  const now = useNow(500) + watched.offset_ms;
  const wait = awaited(show);
  if (!wait) return <p class="bill-now" data-testid="moment">{t(momentOf(show), { time: duration(now - show.schedule.start_ms) })}</p>;
  const left_ms = wait.target_ms - now;
  if (left_ms <= 0) return <p class="bill-now" data-testid="countdown" data-kind={wait.kind}>{t(`intro.due.${wait.kind}`)}</p>;
  const { days, hours, minutes, seconds } = parts(left_ms);
  const tiles: [number, TextKey][] = [[hours, "intro.hours"], [minutes, "intro.minutes"], [seconds, "intro.seconds"]];
  if (days > 0) tiles.unshift([days, "intro.days"]);
  return (
    <div class="wait" role="timer" data-testid="countdown" data-kind={wait.kind}>
      <span class="wait-label">{t(`countdown.${wait.kind}`)}</span>
      <span class="tiles">{tiles.map(([value, unit]) => <span class="tile" key={unit}><b class="digits">{String(value).padStart(2, "0")}</b><small>{t(unit)}</small></span>)}</span>
    </div>
  );
}

function momentOf(show: Show): TextKey {
  switch (show.phase) {
    case "live": return "intro.moment.live";
    case "paused": return "intro.moment.paused";
    case "ended": return "intro.moment.ended";
    case "replay": return "intro.moment.replay";
    case "cancelled": return "intro.moment.cancelled";
    default: return "intro.moment.draft";
  }
}

/** What stands on the poster. An open show sells nothing one needs. */
function stampText(show: Show): TextKey {
  if (stampOf(show) === "sold_out") return "box.soldout";
  return show.phase === "presale" && show.access === "open" ? "intro.phase.soon" : `intro.phase.${show.phase}`;
}

function stampOf(show: Show): Phase | "sold_out" {
  return show.phase === "presale" && show.access === "ticketed" && selling(show) === "sold_out" ? "sold_out" : show.phase;
}

function watchAddress(show: Show, anchor = ""): string {
  return `/watch?show=${encodeURIComponent(show.show)}${anchor}`;
}

function WaysIn({ show }: { show: Show }): JSX.Element | null {
  const { t, language } = useLanguage();
  const least = selling(show) === "open" ? cheapest(show) : null;
  if (!isEnterable(show.phase)) return null;
  const waiting = show.phase === "presale" && show.access === "ticketed";
  const enter = t(waiting ? "intro.enter_foyer" : show.phase === "replay" ? "intro.enter_replay" : "intro.enter");
  return (
    <div class="ways">
      {least && waiting && <a class="button primary big" href="#tickets" data-testid="to-tickets"><Icon name="ticket" />{t("intro.tickets_from", { price: money(least.price_minor, least.currency, language) })}</a>}
      <a class={`button big ${least && waiting ? "glass" : "primary"}`} href={watchAddress(show)} data-testid="enter" onClick={() => rememberShow(show.show)}><Icon name="door" />{enter}</a>
      {least && !waiting && <a class="button big glass" href="#tickets" data-testid="to-tickets"><Icon name="ticket" />{t("intro.tickets_from", { price: money(least.price_minor, least.currency, language) })}</a>}
    </div>
  );
}

/** How many tickets are gone, now. */
function Sold({ show }: { show: Show }): JSX.Element | null {
  const { t } = useLanguage();
  const state = selling(show);
  const { sold, left, capacity } = counts(show);
  if (state === "none") return null;
  return (
    <div class="sold" data-testid="sold" data-value={sold} data-left={left ?? undefined} data-selling={state}>
      {capacity !== null && !isOver(show.phase) && <Meter value={sold} held={capacity - sold - (left ?? 0)} of={capacity} label={t("intro.tickets")} />}
      <p>
        <span><b class="digits" key={sold}>{sold}</b> {t("intro.sold")}</span>
        {state === "sold_out" ? <strong>{t("box.soldout")}</strong> : state === "closed" ? <span>{t("intro.sales_closed")}</span> : left !== null && <span class="digits">{t("box.left", { left })}</span>}
      </p>
    </div>
  );
}

function Tickets({ show }: { show: Show }): JSX.Element {
  const { t } = useLanguage();
  const state = selling(show);
  return (
    <section class="tickets" id="tickets" aria-labelledby="tickets-title" tabIndex={-1}>
      <h2 id="tickets-title">{t("intro.tickets")}</h2>
      <p class="muted">{t(ticketsLead(show))}</p>
      {state === "none" && <p>{t("intro.no_tickets")}</p>}
      <ul>{show.products.map((product) => <li key={product.id}><Ticket product={product} show={show} /></li>)}</ul>
    </section>
  );
}

function ticketsLead(show: Show): TextKey {
  const state = selling(show);
  if (show.phase === "cancelled") return "intro.lead.cancelled";
  if (state === "closed") return "intro.lead.closed";
  if (state === "sold_out") return "intro.lead.sold_out";
  return show.access === "open" ? "intro.lead.open" : "intro.lead.ticketed";
}

/** One kind of ticket, looking like one. */
function Ticket({ product, show }: { product: Product; show: Show }): JSX.Element {
  const { t, language } = useLanguage();
  const soldOut = isSoldOut(product);
  const open = selling(show) === "open" && !soldOut;
  const price = money(product.price_minor, product.currency, language);
  const { sold, held, capacity, left } = product;
  return (
    <article class={`stub tier-${product.tier}${open ? "" : " gone"}`} data-testid={`ticket-${product.tier}`} data-state={soldOut ? "sold_out" : open ? "open" : "closed"}>
      <div class="stub-body">
        <h3><Icon name={product.tier === "vip" ? "crown" : "ticket"} size={20} /><bdi>{product.name}</bdi></h3>
        <ul class="gives">{givenBy(product, show, t).map((line) => <li key={line}><Icon name="check" size={16} />{line}</li>)}</ul>
      </div>
      <div class="stub-end">
        <span class="stub-price">{price}</span>
        <span class="sales-line" data-testid={`sold-${product.tier}`} data-sold={sold} data-left={left ?? undefined}>
          {capacity !== null && <Meter value={sold} held={held} of={capacity} label={product.name} />}
          <span class="muted digits">{capacity === null ? t("box.sold_only", { sold }) : t("box.sold", { sold, capacity })}</span>
        </span>
        {open ? <a class="button primary" href={watchAddress(show, "#tickets")} data-testid={`get-${product.tier}`} aria-label={`${t("intro.get")}: ${product.name}, ${price}`} onClick={() => rememberShow(show.show)}>{t("intro.get")}</a>
          : <strong class="stub-shut">{t(soldOut ? "box.soldout" : "intro.sales_closed")}</strong>}
      </div>
    </article>
  );
}

function givenBy(product: Product, show: Show, t: Translate): string[] {
  const vip = product.tier === "vip";
  return [
    ...(show.access === "open" && !vip ? [] : [t("intro.gives.main")]),
    ...(vip ? [t("intro.gives.vip")] : []),
    t("intro.gives.speak"),
    t("intro.gives.stage"),
    product.credits > 0 ? t("intro.gives.credits", { credits: product.credits }) : t("intro.gives.gifts"),
    ...(vip ? [t("intro.gives.gold")] : []),
  ];
}

function Schedule({ watched }: { watched: Watched }): JSX.Element {
  const { t, language } = useLanguage();
  const { show } = watched;
  const { doors_ms, start_ms } = show.schedule;
  const sameDay = dayOf(doors_ms, language) === dayOf(start_ms, language);
  const next = awaited(show)?.kind;
  const step = (kind: "doors" | "show", at_ms: number) => (
    <li class={next === kind ? "next" : ""}>
      <time class="digits" dateTime={new Date(at_ms).toISOString()}>{clockOf(at_ms, language)}</time>
      <span><b>{t(`intro.step.${kind}`)}</b><small class="muted">{!sameDay && `${dayOf(at_ms, language)} · `}{t(`intro.step.${kind}_lead`)}</small></span>
    </li>
  );
  return (
    <section class="panel schedule" aria-labelledby="schedule-title" data-testid="schedule">
      <header class="panel-head"><h2 id="schedule-title"><Icon name="clock" />{t("intro.schedule")}</h2></header>
      {sameDay && <p class="schedule-day">{dayOf(start_ms, language)}</p>}
      <ol>{step("doors", doors_ms)}{step("show", start_ms)}</ol>
      <p class="muted small">{t("intro.zone", { zone: zoneOf(start_ms, language) })}</p>
    </section>
  );
}

function Beside({ watched }: { watched: Watched }): JSX.Element | null {
  const { t, language } = useLanguage();
  const others = beside(watched.shows, watched.show.show);
  if (others.length === 0) return null;
  return (
    <section class="beside" aria-labelledby="beside-title">
      <h2 id="beside-title">{t("intro.beside")}</h2>
      <ul>
        {others.map((other) => (
          <li key={other.show} class="other" data-testid="other-show" data-access={other.access}>
            <ShowPoster title={other.title} />
            <div class="other-text">
              <span class={`stamp stamp-${stampOf(other)}`}>{t(stampText(other))}</span>
              <a class="other-title" href={`/?show=${encodeURIComponent(other.show)}`}><bdi>{other.title}</bdi></a>
              <span>{t(other.access === "open" ? "intro.open" : "intro.ticketed")} · <time class="digits" dateTime={new Date(other.schedule.start_ms).toISOString()}>{clockOf(other.schedule.start_ms, language)}</time></span>
            </div>
            <a class="button glass" href={watchAddress(other)} data-testid="enter-other" aria-label={`${t("intro.enter")}: ${other.title}`} onClick={() => rememberShow(other.show)}>{t("intro.enter_short")}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** For who tries the demo: the other sides of the same show. */
function Backstage({ show }: { show: Show }): JSX.Element {
  const { t } = useLanguage();
  const door = (href: string, icon: string, title: TextKey, lead: TextKey, testid: string) => (
    <li><a class="backstage-door" href={href} data-testid={testid} onClick={() => rememberShow(show.show)}><Icon name={icon} size={24} /><span><b>{t(title)}</b><small class="muted">{t(lead)}</small></span></a></li>
  );
  return (
    <nav class="backstage" aria-labelledby="backstage-title">
      <h2 id="backstage-title">{t("intro.backstage")}</h2>
      <p class="muted">{t("intro.backstage_lead")}</p>
      <ul>
        {door(watchAddress(show), "ticket", "nav.fan", "intro.fan_lead", "to-fan")}
        {door("/split", "users", "nav.split", "intro.split_lead", "to-split")}
        {door("/console", "sliders", "nav.console", "intro.console_lead", "to-console")}
      </ul>
    </nav>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);
