import { describe, expect, it } from "vitest";
import type { Product, Show } from "../src/api";
import { defaultShow } from "../src/choice";
import type { Phase } from "../src/contract.gen";
import { clockOf, dayOf, zoneOf } from "../src/format";
import { awaited, beside, betterClock, cheapest, counts, freshness, isEnterable, parts, pollDelay, posterOf, readClock, selling } from "../src/front";

function product(over: Partial<Product> = {}): Product {
  return { id: "p1", name: "Main", tier: "main", price_minor: 6_800, currency: "CNY", credits: 100, capacity: 10, sold: 4, held: 1, left: 5, ...over };
}

function show(over: Partial<Show> = {}): Show {
  return {
    show: "s1", room: "r1", title: "A show", access: "ticketed", phase: "presale", currency: "CNY",
    schedule: { doors_ms: 1_000, start_ms: 2_000 }, refund_until_ms: null, products: [product()], server_ms: 0, ...over,
  };
}

const gone = product({ id: "p2", price_minor: 100, sold: 10, held: 0, left: 0 });

describe("the show to begin with", () => {
  const old = show({ show: "01" });
  const fresh = show({ show: "02" });
  const open = show({ show: "03", access: "open" });
  const over = (["ended", "replay", "cancelled"] as const).map((phase, index) => show({ show: `1${index}`, phase }));
  const all = [fresh, old, open, ...over];

  it.each<[string, readonly Show[], string | null, string | null, string | undefined]>([
    ["is the one asked for, even when it is over", all, "10", "01", "10"],
    ["is the one this browser was at", all, null, "01", "01"],
    ["may be an open one when this browser was there", all, null, "03", "03"],
    ["is the newest ticketed one for who is new here", all, null, null, "02"],
    ["is the newest ticketed one once the last is over", all, null, "11", "02"],
    ["is the newest ticketed one when the one asked for is unknown", all, "no", null, "02"],
    ["is not a draft", [...all, show({ show: "20", phase: "draft" })], null, "20", "02"],
    ["is for the demo to make when every ticketed one is over", [...over, open], null, null, undefined],
  ])("%s", (_name, shows, wanted, last, expected) => expect(defaultShow(shows, wanted, last)?.show).toBe(expected));

  it("is the newest in whatever order the list comes", () => {
    expect(defaultShow([old, fresh], null, null)).toBe(fresh);
    expect(defaultShow([fresh, old], null, null)).toBe(fresh);
  });
});

describe("what is on sale", () => {
  it.each<[string, Show, ReturnType<typeof selling>]>([
    ["open while something is left", show({ products: [product(), gone] }), "open"],
    ["sold out when nothing is", show({ products: [gone] }), "sold_out"],
    ["open where the host hides what is left", show({ products: [product({ left: null, capacity: null })] }), "open"],
    ["closed after the show, sold out or not", show({ phase: "ended", products: [gone] }), "closed"],
    ["closed when cancelled", show({ phase: "cancelled" }), "closed"],
    ["none without products", show({ products: [] }), "none"],
  ])("%s", (_name, one, expected) => expect(selling(one)).toBe(expected));

  it("counts all kinds of tickets together, and says nothing of what the host hides", () => {
    expect(counts(show({ products: [product(), gone] }))).toEqual({ sold: 14, left: 5, capacity: 20 });
    expect(counts(show({ products: [product(), product({ left: null, capacity: null })] }))).toEqual({ sold: 8, left: null, capacity: null });
  });

  it("names the least price that can still be paid", () => {
    expect(cheapest(show({ products: [gone, product({ id: "vip", price_minor: 18_800 }), product()] }))?.id).toBe("p1");
    expect(cheapest(show({ products: [gone] }))).toBeNull();
  });
});

describe("the wait", () => {
  it("is for the doors, then for the show, then over", () => {
    expect(awaited(show())).toEqual({ kind: "doors", target_ms: 1_000 });
    expect(awaited(show({ phase: "doors" }))).toEqual({ kind: "show", target_ms: 2_000 });
    for (const phase of ["draft", "live", "paused", "ended", "replay", "cancelled"] as Phase[]) expect(awaited(show({ phase })), phase).toBeNull();
  });

  it("comes in parts and never below zero", () => {
    expect(parts(90_061_000)).toEqual({ days: 1, hours: 1, minutes: 1, seconds: 1 });
    expect(parts(1)).toEqual({ days: 0, hours: 0, minutes: 0, seconds: 1 });
    expect(parts(-5_000)).toEqual({ days: 0, hours: 0, minutes: 0, seconds: 0 });
  });
});

describe("the server's clock", () => {
  it("is read halfway between question and answer", () => expect(readClock(1_000, 1_200, 6_100)).toEqual({ offset_ms: 5_000, rtt_ms: 200 }));
  it("is believed more the shorter the way was", () => {
    const exact = { offset_ms: 10, rtt_ms: 5 };
    expect(betterClock(exact, { offset_ms: 60, rtt_ms: 200 })).toBe(exact);
    expect(betterClock({ offset_ms: 60, rtt_ms: 200 }, exact)).toBe(exact);
  });
  it("is read anew after somebody set a clock", () => {
    const next = { offset_ms: 3_600_000, rtt_ms: 50 };
    expect(betterClock({ offset_ms: 10, rtt_ms: 5 }, next)).toBe(next);
  });
});

describe("the line", () => {
  it.each<[string, number, number, boolean, ReturnType<typeof freshness>]>([
    ["fresh right after an answer", 1_000, 0, true, "fresh"],
    ["fresh through one failure", 4_000, 1, true, "fresh"],
    ["stale once two answers are missing", 8_000, 1, true, "stale"],
    ["offline once two failed", 7_000, 2, true, "offline"],
    ["offline when the browser knows it is", 100, 0, false, "offline"],
  ])("%s", (_name, age, failures, online, expected) => expect(freshness(0, age, failures, online)).toBe(expected));

  it("is asked every three seconds, more slowly while it fails, and never sooner than told", () => {
    expect([0, 1, 2, 3, 9].map((failures) => pollDelay(failures))).toEqual([3_000, 3_000, 6_000, 12_000, 30_000]);
    expect(pollDelay(1, 45_000)).toBe(45_000);
  });
});

it("shows beside a show what is on, open ones first, at most three", () => {
  const at = (id: string, start_ms: number, over: Partial<Show> = {}) => show({ show: id, schedule: { doors_ms: 0, start_ms }, ...over });
  const shows = [at("a", 1), at("b", 9), at("c", 5), at("open", 99, { access: "open" }), at("over", 0, { phase: "ended" }), at("draft", 0, { phase: "draft" }), at("d", 7)];
  expect(beside(shows, "a").map((one) => one.show)).toEqual(["open", "c", "d"]);
});

it("opens the way in exactly where the door may open", () => {
  const open = (["draft", "presale", "doors", "live", "paused", "ended", "replay", "cancelled"] as Phase[]).filter(isEnterable);
  expect(open).toEqual(["presale", "doors", "live", "paused", "replay"]);
});

it("draws a title always in the same colours", () => {
  expect(posterOf("极光现场", 3)).toBe(posterOf("极光现场", 3));
  expect(new Set(["a", "b", "c"].map((title) => posterOf(title, 3))).size).toBe(3);
});

describe("times", () => {
  const at = Date.UTC(2026, 10, 22, 19, 30);
  it("are the reader's own", () => {
    expect([dayOf(at, "en", "Asia/Shanghai").replace(",", ""), clockOf(at, "en", "Asia/Shanghai")]).toEqual(["Monday 23 November 2026", "03:30"]);
    expect([dayOf(at, "zh", "Europe/Berlin"), clockOf(at, "zh", "Europe/Berlin")]).toEqual(["2026年11月22日星期日", "20:30"]);
  });
  it("say whose they are", () => {
    expect(zoneOf(at, "en", "America/New_York")).toBe("New York, GMT-5");
    expect(zoneOf(at, "en", "UTC")).toMatch(/^GMT/);
  });
});
