import { afterEach, describe, expect, it, vi } from "vitest";
import { loadInbox, type Notice } from "../src/api";
import { translate, type Translate } from "../src/i18n";
import { noticeText } from "../src/features/inbox";
import { takeUnread } from "../src/features/inbox/unread";

const notice = (id: string, at_ms = 1): Notice => ({ id, kind: "money_returning", show: "s", order: "01A", amount_minor: 12800, currency: "CNY", at_ms, until_ms: null });

function memory(kept: Record<string, string> = {}): Storage {
  return { getItem: (key: string) => kept[key] ?? null, setItem: (key: string, value: string) => void (kept[key] = value) } as Storage;
}

afterEach(() => vi.unstubAllGlobals());

it("asks for the kept notices", async () => {
  vi.stubGlobal("fetch", async (path: string) => new Response(JSON.stringify({ notices: [notice(path)] })));
  expect(await loadInbox("token")).toMatchObject({ ok: true, data: [{ id: "/api/v1/inbox" }] });
});

describe("notices", () => {
  it("are each told once to a user of this browser, the oldest first", () => {
    const kept = memory();
    expect(takeUnread("u", [notice("b", 2), notice("a", 1)], kept).map((one) => one.id)).toEqual(["a", "b"]);
    expect(takeUnread("u", [notice("c", 3), notice("b", 2), notice("a", 1)], kept).map((one) => one.id)).toEqual(["c"]);
    expect(takeUnread("u", [notice("c", 3)], kept)).toEqual([]);
    expect(takeUnread("other", [notice("c", 3)], kept)).toHaveLength(1);
  });

  it("stay marked while the inbox still has them, and the marks are bounded", () => {
    const kept = memory();
    for (let batch = 0; batch < 20; batch++) takeUnread("u", Array.from({ length: 50 }, (_, index) => notice(`${batch}-${index}`)), kept);
    expect(takeUnread("u", Array.from({ length: 50 }, (_, index) => notice(`19-${index}`)), kept)).toEqual([]);
    expect(JSON.parse(kept.getItem("liveroom.read.u") ?? "")).toHaveLength(200);
  });

  it("are told by a browser that keeps nothing, or something else", () => {
    const full = { ...memory(), setItem: () => { throw new DOMException("full", "QuotaExceededError"); } };
    expect(takeUnread("u", [notice("a")], full)).toHaveLength(1);
    for (const odd of ["{", "null", "7", '{"a": 1}']) expect(takeUnread("u", [notice("a")], memory({ "liveroom.read.u": odd }))).toHaveLength(1);
  });

  it("name the money and the order in both languages", () => {
    for (const language of ["en", "zh"] as const) {
      const t: Translate = (key, values) => translate(language, key, values);
      for (const kind of ["money_returning", "refund_failed"] as const) expect(noticeText(t, { ...notice("a"), kind }, language)).toMatch(/¥128.*01A/);
      expect(noticeText(t, { ...notice("a"), kind: "refunds_open", order: null, amount_minor: null, until_ms: Date.UTC(2026, 0, 2) }, language)).toMatch(/2026/);
      expect(noticeText(t, { ...notice("a"), kind: "refunds_open" }, language)).not.toMatch(/[{}]/);
    }
  });
});
