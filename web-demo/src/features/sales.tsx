/** What is sold, and what came of it. */
import type { JSX } from "preact";
import { money } from "../format";
import { useLanguage } from "../i18n";
import { NumberTile, Panel } from "../ui/parts";
import { SalesLine } from "../ui/sales_line";
import type { ConsolePage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "switch.sales_left": "Show tickets left",
    "console.sales": "Tickets",
    "console.gross": "Gross",
    "console.refunded": "Refunded",
    "console.orders_paid": "Orders paid",
    "console.gift_credits": "Gift credits",
    "console.held": "{held} reserved",
  },
  {
    "switch.sales_left": "显示余票",
    "console.sales": "售票",
    "console.gross": "总额",
    "console.refunded": "已退",
    "console.orders_paid": "已付订单",
    "console.gift_credits": "礼物点数",
    "console.held": "锁定 {held}",
  },
);

function Revenue({ state, show }: ConsolePage): JSX.Element {
  const { t, language } = useLanguage();
  const { revenue } = state;
  const currency = revenue?.currency ?? show.currency;
  return (
    <>
      <NumberTile label={t("console.gross")} testid="gross">{money(revenue?.gross_minor ?? 0, currency, language)}</NumberTile>
      <NumberTile label={t("console.refunded")} testid="refunded">{money(revenue?.refunded_minor ?? 0, currency, language)}</NumberTile>
      <NumberTile label={t("console.orders_paid")} testid="orders-paid">{revenue?.orders_paid ?? 0}</NumberTile>
      <NumberTile label={t("console.gift_credits")} testid="gift-credits">{revenue?.gift_credits ?? 0}</NumberTile>
    </>
  );
}

function Sales({ state, show }: ConsolePage): JSX.Element {
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

export const console: Feature["console"] = { numbers: Revenue, left: Sales };
