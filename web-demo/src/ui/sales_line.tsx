/** How a product sells. */
import type { JSX } from "preact";
import type { Product } from "../api";
import type { ProductSales } from "../contract.gen";
import { useLanguage } from "../i18n";
import type { RoomState } from "../state";
import { Meter } from "./parts";

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
