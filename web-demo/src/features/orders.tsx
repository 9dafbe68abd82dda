/** The box office: what is on sale, what is reserved, what is paid. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { cancelOrder, heldOrder, placeOrder, requestRefund, type Product } from "../api";
import type { Order, Tier } from "../contract.gen";
import { money } from "../format";
import { codeText, useLanguage, type Translate } from "../i18n";
import type { Failure } from "../live";
import { pendingOrders, settledOrders, tierOf } from "../state";
import { newKey } from "../store";
import { Icon } from "../ui/icons";
import { Panel, TimeLeft } from "../ui/parts";
import { SalesLine, salesOf } from "../ui/sales_line";
import type { FanPage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "box.title": "Tickets",
    "box.buy": "Buy {price}",
    "box.credits": "{credits} gift credits included",
    "box.main_stream": "Main stream, chat, gifts",
    "box.vip_stream": "Main and VIP stream, chat, gifts",
    "box.owned": "Yours",
    "box.closed": "Sales are closed.",
    "box.ordering": "Reserving…",
    "order.pending": "Reserved for you",
    "order.pay": "Pay {price}",
    "order.cancel": "Cancel order",
    "order.cancelled": "Order cancelled. The seat is free again.",
    "order.cancel_paid": "It was paid already: the ticket is yours.",
    "order.held": "You have ordered this already: pay the order you have.",
    "order.held_refunding": "The refund of this ticket is still under way. You can buy it again once the money is back.",
    "order.pay_hint": "The cashier opens in a new tab. This page turns by itself once it is paid.",
    "order.paid": "Paid",
    "order.refunding": "Refund on its way",
    "order.refunded": "Refunded",
    "order.closed": "Expired",
    "order.number": "Order {number}",
    "order.refund": "Refund",
    "order.refund_sure": "Return this ticket?",
    "order.refund_yes": "Yes, refund",
    "order.refund_no": "Keep it",
    "order.refund_sent": "Refund of {amount} requested. The ticket ended with it.",
  },
  {
    "box.title": "购票",
    "box.buy": "购买 {price}",
    "box.credits": "含 {credits} 礼物点数",
    "box.main_stream": "主画面、弹幕、礼物",
    "box.vip_stream": "主画面与 VIP 画面、弹幕、礼物",
    "box.owned": "已拥有",
    "box.closed": "停止售票。",
    "box.ordering": "锁票中…",
    "order.pending": "已为你保留",
    "order.pay": "支付 {price}",
    "order.cancel": "取消订单",
    "order.cancelled": "订单已取消，座位已释放。",
    "order.cancel_paid": "订单已支付，票归你了。",
    "order.held": "你已经下过这个订单，请支付已有的订单。",
    "order.held_refunding": "这张票正在退款中，退款完成后即可再次购买。",
    "order.pay_hint": "收银台在新标签页打开，付款后本页自动更新。",
    "order.paid": "已付款",
    "order.refunding": "退款处理中",
    "order.refunded": "已退款",
    "order.closed": "已过期",
    "order.number": "订单 {number}",
    "order.refund": "退票",
    "order.refund_sure": "确定退掉这张票？",
    "order.refund_yes": "确定退票",
    "order.refund_no": "保留",
    "order.refund_sent": "已申请退款 {amount}，此票即刻失效。",
  },
);

const RANK: Record<Tier, number> = { none: 0, lobby: 1, main: 2, vip: 3 };
const ON_SALE = ["presale", "doors", "live", "paused"];

/** Who has no ticket yet finds the box office right below the picture. */
function isBuyer({ show, state, embedded }: FanPage): boolean {
  return !embedded && show.products.length > 0 && ["none", "lobby"].includes(tierOf(state));
}

function Main(page: FanPage): JSX.Element | null {
  return isBuyer(page) ? <BoxOffice {...page} /> : null;
}

function Foot(page: FanPage): JSX.Element | null {
  return !isBuyer(page) && page.show.products.length > 0 ? <BoxOffice {...page} /> : null;
}

function AtTheDoor({ code, ...page }: FanPage & { code: string }): JSX.Element | null {
  if (code === "TICKET_REQUIRED" || code === "BALANCE_DUE") return <BoxOffice {...page} />;
  return code === "ROOM_CANCELLED" ? <BoughtOrders {...page} /> : null;
}

function BoxOffice(props: FanPage): JSX.Element {
  const { t } = useLanguage();
  const { state, show: { products } } = props;
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
function BoughtOrders(props: FanPage): JSX.Element | null {
  const orders = settledOrders(props.state);
  if (orders.length === 0) return null;
  return <div class="bought">{orders.map((order) => <SettledOrder key={order.order} order={order} urgent {...props} />)}</div>;
}

function ProductCard({ product, open, session, show, state, readOrders, notify }: FanPage & { product: Product; open: boolean }): JSX.Element {
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
    const placed = await session.ask((token) => placeOrder(token, idempotency, show.show, [{ product: product.id, quantity: 1 }]));
    setBusy(false);
    if (placed.ok || !placed.error.retryable) key.current = null;
    const order = placed.ok ? placed.data : heldOrder(placed.error);
    if (!placed.ok && !order?.pay_url) {
      cashier?.close();
      if (order) readOrders();
      return notify(orderRefusal(t, placed.error), "bad");
    }
    if (!placed.ok) notify(t("order.held"));
    if (order?.pay_url && cashier) {
      cashier.opener = null; // the provider's page has no business with this one
      cashier.location.href = order.pay_url;
    } else cashier?.close();
    readOrders();
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

function PendingOrder({ order, state, show: { products }, session, readOrders, notify }: FanPage & { order: Order }): JSX.Element {
  const { t, language } = useLanguage();
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    const answer = await session.ask((token) => cancelOrder(token, order.order));
    setBusy(false);
    if (!answer.ok) notify(codeText(t, answer.error.code), "bad");
    else notify(t(answer.data.state === "paid" ? "order.cancel_paid" : "order.cancelled"), "good");
    readOrders();
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

function SettledOrder({ order, show: { products }, session, readOrders, notify, urgent = false }: FanPage & { order: Order; urgent?: boolean }): JSX.Element {
  const { t, language } = useLanguage();
  const [asking, setAsking] = useState(false);
  const refund = async () => {
    setAsking(false);
    const answer = await session.ask((token) => requestRefund(token, order.order, "requested by the fan"));
    if (answer.ok) notify(t("order.refund_sent", { amount: money(answer.data.amount_minor, answer.data.currency, language) }), "good");
    else notify(codeText(t, answer.error.code), "bad");
    readOrders();
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

export const fan: Feature["fan"] = { main: Main, foot: Foot, door: AtTheDoor };
