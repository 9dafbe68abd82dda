import { afterEach, expect, test, vi } from "vitest";
import { cancelOrder, heldOrder, placeOrder } from "../src/api";
import { translate, type Translate } from "../src/i18n";
import { orderRefusal } from "../src/features/orders";

const FIRST = { code: "ALREADY_HELD", retryable: false, product: "main", order: "01A", state: "pending", amount_minor: 12800, currency: "CNY", pay_url: "https://cashier.invalid/1" };

afterEach(() => vi.unstubAllGlobals());

test("a second order for the same ticket leads to the first one and its cashier", async () => {
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ error: FIRST }), { status: 409 }));
  const placed = await placeOrder("token", "key", "show", [{ product: "main", quantity: 1 }]);
  expect(placed.ok).toBe(false);
  if (!placed.ok) expect(heldOrder(placed.error)).toMatchObject({ order: "01A", pay_url: "https://cashier.invalid/1" });
  expect(heldOrder({ code: "SOLD_OUT", retryable: false })).toBeNull();
});

test("whoever waits for the money of a ticket is not told that they have it", () => {
  const english: Translate = (key, values) => translate("en", key, values);
  expect(orderRefusal(english, { ...FIRST, state: "refunding", pay_url: null, retry_after_ms: 60_000 })).toMatch(/refund of this ticket is still under way/);
  expect(orderRefusal((key, values) => translate("zh", key, values), { ...FIRST, state: "refunding" })).toMatch(/退款/);
  expect(orderRefusal(english, { ...FIRST, state: "paid", pay_url: null })).toBe("You have this ticket already, or a better one.");
  expect(orderRefusal(english, { code: "SOLD_OUT", retryable: false })).toBe("Sold out.");
});

test("cancelling asks for the order by its number and answers how it stands then", async () => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (path: string, { method }: RequestInit) => {
    asked.push(`${method} ${path}`);
    return new Response(JSON.stringify({ ...FIRST, state: "paid" }), { status: 200 });
  });
  expect(await cancelOrder("token", "01/A")).toMatchObject({ ok: true, data: { state: "paid" } });
  expect(asked).toEqual(["POST /api/v1/orders/01%2FA/cancel"]);
});
