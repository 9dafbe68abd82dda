/** The box office: what is on sale, what is reserved, what is paid. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { cancelOrder, heldOrder, placeOrder, requestRefund, type Product } from "../api";
import type { Order, ProductSales, Tier } from "../contract.gen";
import { money } from "../format";
import { codeText, useLanguage, type Translate } from "../i18n";
import type { Failure } from "../live";
import { pendingOrders, settledOrders, tierOf, type RoomState } from "../state";
import { newKey } from "../store";
import type { Session } from "../session";
import { Icon } from "./icons";
import { Meter, Panel, TimeLeft } from "./parts";

const RANK: Record<Tier, number> = { none: 0, lobby: 1, main: 2, vip: 3 };
const ON_SALE = ["presale", "doors", "live", "paused"];

interface BoxOfficeProps {
  session: Session;
  show: string;
  products: readonly Product[];
  state: RoomState;
  /** Something about the orders changed over HTTP: read them again. */
  onOrders: () => void;
  notify: (text: string, tone?: "good" | "bad" | "plain") => void;
}

export function BoxOffice(props: BoxOfficeProps): JSX.Element {
  const { t } = useLanguage();
  const { state, products } = props;
  const phase = state.room?.phase;
  return (
    <Panel title={t("box.title")} icon="ticket" id="tickets" class="box-office">
      {pendingOrders(state).map((order) => <PendingOrder key={order.order} order={order} {...props} />)}
      <div class="products" data-testid="sales">
        {products.map((product) => <ProductCard key={product.id} product={product} open={!phase || ON_SALE.includes(phase)} {...props} />)}
      </div>
      {settledOrders(state).slice(0, 3).map((order) => <SettledOrder key={order.order} order={order} {...props} />)}
    </Panel>
  );
}

/** What was bought, alone: where nothing is on sale any more but money may still go back. */
export function BoughtOrders(props: BoxOfficeProps): JSX.Element | null {
  const orders = settledOrders(props.state);
  if (orders.length === 0) return null;
  return <div class="bought">{orders.map((order) => <SettledOrder key={order.order} order={order} urgent {...props} />)}</div>;
}

/** What is known of the sales of a product: the live counter, else what the page was loaded with. */
export function salesOf(product: Product, state: RoomState): ProductSales {
  const live = state.sales?.products.find((sales) => sales.id === product.id);
  return live ?? { id: product.id, sold: product.sold, held: product.held, ...(product.left === null ? {} : { left: product.left }) };
}

export function SalesLine({ product, state }: { product: Product; state: RoomState }): JSX.Element {
  const { t } = useLanguage();
  const sales = salesOf(product, state);
  const hidden = sales.left === undefined;
  const capacity = sales.sold + sales.held + (sales.left ?? 0);
  return (
    <div class="sales-line" data-testid={`sales-${product.tier}`} data-sold={sales.sold} data-held={sales.held} data-left={sales.left}>
      {!hidden && <Meter value={sales.sold} held={sales.held} of={capacity} label={product.name} />}
      <span class="muted digits">{hidden ? t("box.sold_only", { sold: sales.sold }) : t("box.sold", { sold: sales.sold, capacity })}</span>
      {sales.left !== undefined && <span class="muted digits">{t("box.left", { left: sales.left })}</span>}
    </div>
  );
}

function ProductCard({ product, open, session, show, state, onOrders, notify }: BoxOfficeProps & { product: Product; open: boolean }): JSX.Element {
  const { t, language } = useLanguage();
  const [busy, setBusy] = useState(false);
  const key = useRef<string | null>(null);
  const sales = salesOf(product, state);
  const owned = RANK[tierOf(state)] >= RANK[product.tier];
  const soldOut = sales.left === 0;
  const buy = async () => {
    const cashier = openCashier();
    setBusy(true);
    const idempotency = (key.current ??= newKey());
    const placed = await session.ask((token) => placeOrder(token, idempotency, show, [{ product: product.id, quantity: 1 }]));
    setBusy(false);
    if (placed.ok || !placed.error.retryable) key.current = null;
    const order = placed.ok ? placed.data : heldOrder(placed.error);
    if (!placed.ok && !order?.pay_url) {
      cashier?.close();
      if (order) onOrders();
      return notify(orderRefusal(t, placed.error), "bad");
    }
    if (!placed.ok) notify(t("order.held"));
    if (order?.pay_url && cashier) {
      cashier.opener = null; // the provider's page has no business with this one
      cashier.location.href = order.pay_url;
    } else cashier?.close();
    onOrders();
  };
  const price = money(product.price_minor, product.currency, language);
  return (
    <article class={`product tier-${product.tier}`}>
      <header>
        <h3><Icon name={product.tier === "vip" ? "crown" : "ticket"} /><bdi>{product.name}</bdi></h3>
        <span class="price">{price}</span>
      </header>
      <p class="muted product-worth">
        {t(product.tier === "vip" ? "box.vip_stream" : "box.main_stream")}
        {product.credits > 0 && <> · {t("box.credits", { credits: product.credits })}</>}
      </p>
      <SalesLine product={product} state={state} />
      {owned ? (
        <span class="owned"><Icon name="check" size={15} />{t("box.owned")}</span>
      ) : (
        <button type="button" class="primary" data-testid={`buy-${product.tier}`} disabled={busy || soldOut || !open} onClick={buy}>
          {busy ? t("box.ordering") : soldOut ? t("box.soldout") : open ? t("box.buy", { price }) : t("box.closed")}
        </button>
      )}
    </article>
  );
}

/** Why an order was refused. What is being given back is not held any more, and cannot be bought yet. */
export function orderRefusal(t: Translate, error: Failure): string {
  return heldOrder(error)?.state === "refunding" ? t("order.held_refunding") : codeText(t, error.code);
}

function PendingOrder({ order, state, products, session, onOrders, notify }: BoxOfficeProps & { order: Order }): JSX.Element {
  const { t, language } = useLanguage();
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    const answer = await session.ask((token) => cancelOrder(token, order.order));
    setBusy(false);
    if (!answer.ok) notify(codeText(t, answer.error.code), "bad");
    else notify(t(answer.data.state === "paid" ? "order.cancel_paid" : "order.cancelled"), "good");
    onOrders();
  };
  const price = money(order.amount_minor, order.currency, language);
  return (
    <div class="order pending" data-testid="pending-order" data-order={order.order}>
      <div>
        <strong>{t("order.pending")}: {namesOf(order, products)}</strong>
        <p class="muted">{t("countdown.order")} <TimeLeft target_ms={order.expires_ms} offset_ms={state.offset_ms} /> · {t("order.pay_hint")}</p>
      </div>
      {order.pay_url && <a class="button primary" data-testid="pay-link" href={order.pay_url} target="_blank" rel="noopener">{t("order.pay", { price })}</a>}
      <button type="button" class="quiet" data-testid="cancel-order" disabled={busy} onClick={cancel}>{t("order.cancel")}</button>
    </div>
  );
}

function SettledOrder({ order, products, session, onOrders, notify, urgent = false }: BoxOfficeProps & { order: Order; urgent?: boolean }): JSX.Element {
  const { t, language } = useLanguage();
  const [asking, setAsking] = useState(false);
  const refund = async () => {
    setAsking(false);
    const answer = await session.ask((token) => requestRefund(token, order.order, "requested by the fan"));
    if (answer.ok) notify(t("order.refund_sent", { amount: money(answer.data.amount_minor, answer.data.currency, language) }), "good");
    else notify(codeText(t, answer.error.code), "bad");
    onOrders();
  };
  return (
    <div class={`order ${order.state}`} data-testid="order" data-order={order.order} data-state={order.state}>
      <div>
        <strong>{namesOf(order, products)} · {money(order.amount_minor, order.currency, language)}</strong>
        <p class="muted"><span class={`dot ${order.state}`} />{t(`order.${order.state}`)} · <span class="order-number">{t("order.number", { number: order.order })}</span></p>
      </div>
      {order.state === "paid" && !asking && <button type="button" class={urgent ? "primary" : "quiet"} data-testid="refund" onClick={() => setAsking(true)}>{t("order.refund")}</button>}
      {asking && (
        <div class="ask" role="group" aria-label={t("order.refund_sure")}>
          <span>{t("order.refund_sure")}</span>
          <button type="button" class="danger" data-testid="refund-confirm" onClick={refund}>{t("order.refund_yes")}</button>
          <button type="button" class="quiet" onClick={() => setAsking(false)}>{t("order.refund_no")}</button>
        </div>
      )}
    </div>
  );
}

function namesOf(order: Order, products: readonly Product[]): string {
  return order.items.map((item) => products.find((product) => product.id === item.product)?.name ?? item.product).join(", ");
}

/** An empty window, opened within the click or browsers block it; the address follows when the order is placed. */
export function openCashier(features?: string): Window | null {
  return window.open("", "_blank", features);
}
