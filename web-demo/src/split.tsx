/** Three fans of different tiers side by side, and a host's strip above: one look shows what a ticket is worth. */
import { render, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { listOrders, loadShow, placeOrder, requestRefund, type Product, type Show } from "./api";
import type { ConsoleCommands } from "./contract.gen";
import { openCashier, orderRefusal } from "./features/orders";
import { money } from "./format";
import { codeText, useLanguage } from "./i18n";
import type { Session } from "./session";
import { Session as Sessions } from "./session";
import { headCountdown } from "./state";
import { newKey, useRoom } from "./store";
import "./texts/pages";
import { ConnectionBanner, ConnectionChip, ShutDoor } from "./ui/connection";
import { Icon } from "./ui/icons";
import { Brand, CountdownLine, LanguageSwitch, useSession, useToasts } from "./ui/parts";
import { PhaseBar } from "./ui/phase_bar";
import { NoShow, ShowPicker, useShows } from "./ui/show_picker";
import "./styles/theme.css";
import "./styles/split.css";

const query = new URLSearchParams(location.search);
const FANS = (query.get("fans") ?? "fan-none,fan-main,fan-vip").split(",").slice(0, 4);
const POLL_MS = 1_000;

function App(): JSX.Element {
  const [session] = useSession("host", query.get("host") ?? "split-host");
  const { t } = useLanguage();
  if (!session) return <div class="front"><header class="top"><Brand /><LanguageSwitch /></header><main><p class="muted">{t("connection.connecting")}…</p></main></div>;
  return <Shows session={session} />;
}

function Shows({ session }: { session: Session }): JSX.Element {
  const choice = useShows(session, query.get("show"));
  if (!choice.show) return <NoShow choice={choice} />;
  return <Stalls key={choice.show.show} session={session} listed={choice.show} picker={<ShowPicker choice={choice} />} />;
}

function Stalls({ session, listed, picker }: { session: Session; listed: Show; picker: JSX.Element }): JSX.Element {
  const { t } = useLanguage();
  const [show, setShow] = useState(listed);
  const [toasts, notify] = useToasts();
  const [store, state] = useRoom<ConsoleCommands>(`${session.user}/${listed.room}`, () => ({ namespace: "/console", room: listed.room, token: session.provide }));
  useEffect(() => void session.ask((token) => loadShow(token, listed.show)).then((loaded) => loaded.ok && setShow(loaded.data)), [session]);
  const countdown = headCountdown(state);
  return (
    <div class="page">
      <header class="top">
        <Brand />
        <strong class="split-title">{t("split.title")}</strong>
        {picker}
        <nav class="top-links"><a href={`/?show=${encodeURIComponent(show.show)}`}>{t("nav.show")}</a><a href="/watch">{t("nav.fan")}</a><a href="/console">{t("nav.console")}</a></nav>
        <div class="top-me"><LanguageSwitch /></div>
      </header>
      <section class="host-strip" aria-label={t("split.host")}>
        <span class="badge tier-vip"><Icon name="mic" size={14} />{t("split.host")}</span>
        <PhaseBar state={state} store={store} notify={notify} />
        {countdown && <CountdownLine countdown={countdown} offset_ms={state.offset_ms} />}
        <ConnectionChip state={state} />
      </section>
      <ConnectionBanner state={state} />
      <ShutDoor title={show.title} state={state} store={store} />
      <main class="panes">
        {FANS.map((fan) => <Pane key={fan} fan={fan} show={show} notify={notify} />)}
      </main>
      {toasts}
    </div>
  );
}

function Pane({ fan, show, notify }: { fan: string; show: Show; notify: (text: string, tone?: "good" | "bad" | "plain") => void }): JSX.Element {
  const { t, language } = useLanguage();
  const [busy, setBusy] = useState<string | null>(null);
  const buy = async (product: Product) => {
    const cashier = openCashier("popup,width=460,height=620");
    setBusy(product.id);
    const opened = await Sessions.open(fan, "viewer");
    const key = newKey();
    const placed = opened.ok ? await opened.data.ask((token) => placeOrder(token, key, show.show, [{ product: product.id, quantity: 1 }])) : opened;
    setBusy(null);
    if (!opened.ok || !placed.ok || !placed.data.pay_url) {
      cashier?.close();
      if (!placed.ok) notify(orderRefusal(t, placed.error), "bad");
      return;
    }
    // Without a window (they may be blocked) the pane itself shows the order and its link.
    if (!cashier) return;
    // It keeps its opener: a window without one cannot be closed from here.
    cashier.location.href = placed.data.pay_url;
    void closeWhenPaid(cashier, opened.data, show.show, placed.data.order);
  };
  const giveBack = async () => {
    const opened = await Sessions.open(fan, "viewer");
    if (!opened.ok) return notify(codeText(t, opened.error.code), "bad");
    const orders = await opened.data.ask((token) => listOrders(token, show.show));
    const paid = orders.ok ? orders.data.find((order) => order.state === "paid") : undefined;
    if (!paid) return notify(codeText(t, "ORDER_STATE"), "bad");
    const answer = await opened.data.ask((token) => requestRefund(token, paid.order, "returned on the split page"));
    if (!answer.ok) notify(codeText(t, answer.error.code), "bad");
  };
  return (
    <article class="pane" data-testid={`pane-${fan}`}>
      <div class="pane-tools">
        <span class="muted">{t("split.quick")}</span>
        {show.products.map((product) => (
          <button type="button" key={product.id} class={`small tier-${product.tier}`} data-testid={`quick-${product.tier}`} title={product.name} disabled={busy !== null} onClick={() => void buy(product)}>
            <Icon name={product.tier === "vip" ? "crown" : "ticket"} size={14} />{busy === product.id ? t("split.paying") : `${product.tier.toUpperCase()} ${money(product.price_minor, product.currency, language)}`}
          </button>
        ))}
        <button type="button" class="quiet small" data-testid="quick-return" onClick={() => void giveBack()}>{t("split.return")}</button>
      </div>
      <iframe title={fan} src={`/watch?embed=1&user=${encodeURIComponent(fan)}&show=${encodeURIComponent(show.show)}&lang=${language}`} />
    </article>
  );
}

/** Closes the cashier's window once the order is settled, so that all three panes are in sight again. */
async function closeWhenPaid(cashier: Window, session: Session, show: string, order: string): Promise<void> {
  while (!cashier.closed) {
    await new Promise((wake) => setTimeout(wake, POLL_MS));
    const orders = await session.ask((token) => listOrders(token, show));
    if (orders.ok && orders.data.find((one) => one.order === order)?.state !== "pending") return cashier.close();
  }
}

const root = document.getElementById("app");
if (root) render(<App />, root);
