/** The HTTP half of the contract, as far as the pages need it. Every call resolves to a `Result`, like a command. */
import type { Access, Order, OrderItem, Phase, Role, Schedule, Tier } from "./contract.gen";
import type { Failure, Result } from "./live";

export interface Product {
  id: string;
  name: string;
  tier: Tier;
  price_minor: number;
  currency: string;
  credits: number;
  /** Null where the host hides how many are left. */
  capacity: number | null;
  sold: number;
  held: number;
  left: number | null;
}

export interface Show {
  show: string;
  room: string;
  title: string;
  access: Access;
  phase: Phase;
  currency: string;
  schedule: Schedule;
  /** Until then fans may return tickets; null: until the doors open. */
  refund_until_ms: number | null;
  products: Product[];
  /** The server's clock when this was sent. */
  server_ms: number;
}

export interface Placed {
  order: string;
  state: Order["state"];
  amount_minor: number;
  currency: string;
  pay_url?: string | null;
}

export interface Refunded {
  refund: string;
  state: string;
  amount_minor: number;
  currency: string;
}

/** Something about the caller's money, of any show; kept for whoever was not there. */
export interface Notice {
  /** That of the `inbox` event, too. */
  id: string;
  kind: "money_returning" | "refund_failed" | "refunds_open";
  show: string;
  order: string | null;
  amount_minor: number | null;
  currency: string;
  at_ms: number;
  until_ms: number | null;
}

const TIMEOUT_MS = 10_000;
const PROVIDER = "sandbox";

/** Demo mode only: in your platform the token comes from your own server. */
export async function demoLogin(user: string, role: Role): Promise<Result<{ token: string }>> {
  return request("POST", "/demo/login", { body: { user, role } });
}

/** Demo mode only: the ticketed show of the demo. */
export async function demoShow(): Promise<Result<{ show: string; room: string }>> {
  return request("GET", "/demo/show", {});
}

/** Without a token: what the public may know. */
export async function listShows(token: string | null): Promise<Result<Show[]>> {
  const answer = await request<{ shows: Show[] }>("GET", "/api/v1/shows", { token });
  return answer.ok ? { ok: true, data: answer.data.shows } : answer;
}

export async function loadShow(token: string | null, show: string): Promise<Result<Show>> {
  return request("GET", `/api/v1/shows/${encodeURIComponent(show)}`, { token });
}

/** For the host and operators. Null: fans may return tickets until the doors open. */
export async function setRefunds(token: string, show: string, refund_until_ms: number | null): Promise<Result<Show>> {
  return request("PATCH", `/api/v1/shows/${encodeURIComponent(show)}`, { token, body: { refund_until_ms } });
}

/** The same `key` never makes a second order, so a retry after a lost answer is safe. */
export async function placeOrder(token: string, key: string, show: string, items: OrderItem[]): Promise<Result<Placed>> {
  return request("POST", "/api/v1/orders", { token, body: { show, items, provider: PROVIDER }, headers: { "Idempotency-Key": key } });
}

/** What stands in the way of a second order: the first one as it is now, and where to pay it while it is unpaid. */
export function heldOrder(error: Failure): Placed | null {
  return error.code === "ALREADY_HELD" ? (error as unknown as Placed) : null;
}

/** Closed at the provider first: the answer is the order as it stands then, `paid` if that came first. */
export async function cancelOrder(token: string, order: string): Promise<Result<Placed>> {
  return request("POST", `/api/v1/orders/${encodeURIComponent(order)}/cancel`, { token });
}

export async function listOrders(token: string, show: string): Promise<Result<Order[]>> {
  const answer = await request<{ orders: Order[] }>("GET", `/api/v1/orders?show=${encodeURIComponent(show)}`, { token });
  return answer.ok ? { ok: true, data: answer.data.orders } : answer;
}

/** What the caller's ticket is worth now. */
export async function loadEntitlement(token: string, show: string): Promise<Result<{ tier: Tier; version: number }>> {
  return request("GET", `/api/v1/entitlements/${encodeURIComponent(show)}`, { token });
}

export async function requestRefund(token: string, order: string, reason: string): Promise<Result<Refunded>> {
  return request("POST", `/api/v1/orders/${encodeURIComponent(order)}/refunds`, { token, body: { reason } });
}

/** The newest notices about the caller's money. */
export async function loadInbox(token: string): Promise<Result<Notice[]>> {
  const answer = await request<{ notices: Notice[] }>("GET", "/api/v1/inbox", { token });
  return answer.ok ? { ok: true, data: answer.data.notices } : answer;
}

/** Whether the signed playlist behind a grant opens. What a real player would do with hls.js. */
export async function verifyGrant(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer.ok && (await answer.text()).startsWith("#EXTM3U");
  } catch {
    return false;
  }
}

interface RequestParts {
  token?: string | null;
  body?: object;
  headers?: Record<string, string>;
  /** What a good answer is; refusals are JSON always. */
  as?: "json" | "text";
}

/** One call of the contract; features make theirs with it. */
export async function request<T>(method: string, path: string, { token, body, headers, as = "json" }: RequestParts): Promise<Result<T>> {
  try {
    const answer = await fetch(path, {
      method,
      headers: {
        Accept: as === "json" ? "application/json" : "*/*",
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const content: unknown = await (answer.ok && as === "text" ? answer.text() : answer.json().catch(() => undefined));
    if (answer.ok) return { ok: true, data: content as T };
    const error = (content as { error?: Failure } | undefined)?.error;
    return { ok: false, error: error?.code ? error : { code: answer.status >= 500 ? "INTERNAL" : "BAD_REQUEST", retryable: answer.status >= 500 } };
  } catch {
    return { ok: false, error: { code: "OFFLINE", retryable: true } };
  }
}
