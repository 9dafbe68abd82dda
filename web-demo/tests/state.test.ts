import { describe, expect, it } from "vitest";
import type { DanmakuItem, Order, Room, Welcome } from "../src/contract.gen";
import { barrier, CHAT_LINES, chosenStream, headCountdown, INITIAL, pendingOrders, playable, reduce, sanctioned, settledOrders, tierOf, type Action, type RoomState } from "../src/state";

const ROOM: Room = {
  id: "r", show: "s", title: "Opening night", access: "ticketed", phase: "doors", version: 1, gifts: [{ id: "rose", name: "Rose", credits: 1 }],
  switches: { chat: "ticket", gifts: "ticket", cohost: "ticket", likes: "everyone", slow_ms: 0, links: true, emoji_only: false, sales_left: true } as Room["switches"],
  schedule: { doors_ms: 1, start_ms: 2 },
};

function welcome(changes: Partial<Welcome> = {}, you: Partial<Welcome["you"]> = {}): Welcome {
  return {
    contract: "1.0", server_ms: 1_000, room: ROOM,
    you: {
      user: "fan", name: "Fan", role: "viewer", tier: "none", version: 0, permissions: [], wallet: { credits: 0, version: 0 },
      orders: [], cohost: { state: "idle", version: 0 }, muted_until_ms: null, ...you,
    },
    streams: [], countdowns: [], sales: { products: [], version: 0 }, stage: { members: [], capacity: 4, version: 0 },
    pins: { items: [], version: 0 }, leaderboard: { items: [], version: 0 }, presence: { online: 1 }, like: { total: 0 },
    cursor: "c0", recovered: false, danmaku_truncated: false, missed: [], ...changes,
  } as Welcome; // what later features add to it is none of these tests' business
}

const SPEAK = { permission: "danmaku", switch: "chat", isSpeech: true } as const;
const said = (id: string, text = id): DanmakuItem => ({ id, user: "u", name: "U", text, tier: "main", at_ms: 1 });
const play = (...actions: Action[]): RoomState => actions.reduce(reduce, INITIAL);
const online: Action = { event: "connection", data: { state: "online" } };
const inside = (changes: Partial<Welcome> = {}, you: Partial<Welcome["you"]> = {}): Action[] => [{ event: "welcome", data: welcome(changes, you) }, online];
const danmaku = (...items: DanmakuItem[]): Action => ({ event: "danmaku", data: { items, cursor: "c" } });
const order = (state: Order["state"], version: number, id = "o1"): Order => ({ order: id, state, amount_minor: 8800, currency: "CNY", items: [], expires_ms: 9, version });
const grant = (stream: string) => ({ stream, right: "play" as const, kind: "hls", url: `/${stream}`, expires_ms: 9 });

describe("the queue at the door", () => {
  const mine = { tier: "main" as const, version: 1, permissions: [] };

  it("holds a fan back, whatever the ticket is worth, until it is their turn", () => {
    const waiting = play(...inside({ admission: { position: 3, eta_ms: 9_000 } }, mine));
    expect([waiting.admission?.position, barrier(waiting, SPEAK), chosenStream(waiting, null)]).toEqual([3, "queue", null]);
    expect(reduce(waiting, { event: "admission", data: { position: 2, eta_ms: 4_000 } }).admission).toEqual({ position: 2, eta_ms: 4_000 });
  });

  it("ends with the rights, on the same page", () => {
    const tier: Action = { event: "tier", data: { tier: "main", version: 1, permissions: ["danmaku"], streams: [grant("main")], reason: "admitted" } };
    const state = play(...inside({ admission: { position: 1, eta_ms: 1_000 } }, mine), { event: "admission", data: { position: 0, eta_ms: 0 } }, tier);
    expect([state.admission, barrier(state, SPEAK), chosenStream(state, null)?.stream, state.you?.reason]).toEqual([null, null, "main", "admitted"]);
  });

  it("is over for who comes back and does not wait", () => {
    expect(play(...inside({ admission: { position: 1, eta_ms: 1_000 } }), ...inside()).admission).toBeNull();
  });
});

describe("history", () => {
  it("shows a danmaku once, however often it comes", () => {
    const state = play(...inside(), danmaku(said("a"), said("b")), danmaku(said("b"), said("c")));
    expect(state.chat.map((line) => line.id)).toEqual(["a", "b", "c"]);
  });

  it("catches up after a reconnect without doubling what was seen", () => {
    const missed = [{ event: "danmaku" as const, data: { items: [said("b"), said("c")], cursor: "c2" } }];
    const state = play(...inside(), danmaku(said("a"), said("b")), ...inside({ recovered: true, missed }));
    expect(state.chat.map((line) => line.id)).toEqual(["a", "b", "c"]);
    expect(state.chat.map((line) => line.fresh)).toEqual([true, true, false]);
    expect(state.caught_up).toBe(1);
  });

  it("marks the place where something is missing for good, and only where something stood before it", () => {
    const gap = (changes: Partial<Welcome>) => play(...inside(), danmaku(said("a")), ...inside(changes), danmaku(said("b")));
    const kinds = (state: RoomState) => state.chat.map((line) => (line.kind === "gap" ? `gap:${line.all}` : line.id));
    expect(kinds(gap({ recovered: false }))).toEqual(["a", "gap:true", "b"]);
    expect(kinds(gap({ recovered: true, danmaku_truncated: true }))).toEqual(["a", "gap:false", "b"]);
    expect(kinds(gap({ recovered: true }))).toEqual(["a", "b"]);
    expect(kinds(play(...inside({ recovered: false }), danmaku(said("b"))))).toEqual(["b"]);
  });

  it("takes a retracted danmaku off and never shows it again, even when the retraction came first", () => {
    const state = play(...inside(), danmaku(said("a")), { event: "retract", data: { items: [{ id: "a" }, { id: "z" }], cursor: "c" } }, danmaku(said("z"), said("a")));
    expect(state.chat).toEqual([]);
  });

  it("keeps a bounded number of lines", () => {
    const items = Array.from({ length: CHAT_LINES + 50 }, (_, index) => said(`d${index}`));
    const state = play(...inside(), danmaku(...items));
    expect(state.chat).toHaveLength(CHAT_LINES);
    expect(state.chat.at(-1)?.id).toBe(`d${CHAT_LINES + 49}`);
  });

  it("numbers lines in the order they came", () => {
    const state = play(...inside(), danmaku(said("a")), { event: "gift", data: { items: [{ id: "g", user: "u", name: "U", gift: "rose", count: 2, credits: 2, at_ms: 1 }], cursor: "c" } });
    expect(state.chat.map((line) => [line.kind, line.seq])).toEqual([["danmaku", 1], ["gift", 2]]);
  });
});

describe("state events", () => {
  it("keeps the newer value when an older one arrives late", () => {
    const state = play(...inside({ sales: { products: [], version: 5 } }), { event: "sales", data: { products: [{ id: "p", sold: 1, held: 0 }], version: 4 } });
    expect(state.sales?.products).toEqual([]);
  });

  it("lets a welcome replace everything, so that a database restored with lower versions shows", () => {
    const state = play(...inside({ sales: { products: [], version: 5 } }), ...inside({ sales: { products: [{ id: "p", sold: 0, held: 0 }], version: 1 } }));
    expect(state.sales?.version).toBe(1);
  });

  it("takes a cleared countdown off", () => {
    const countdown = { id: "c1", scope: "room" as const, kind: "custom" as const, target_ms: 5_000, server_ms: 1, version: 1 };
    const set = play(...inside({ countdowns: [countdown] }));
    expect(headCountdown(set)?.id).toBe("c1");
    expect(headCountdown(reduce(set, { event: "countdown", data: { ...countdown, target_ms: null, version: 2 } }))).toBeNull();
  });
});

describe("the ticket", () => {
  const promotion: Action = { event: "tier", data: { tier: "vip", version: 1, permissions: ["danmaku"], streams: [grant("main"), grant("vip")], reason: "purchase" } };

  it("promotes the open socket and prefers the better stream, or the wished one", () => {
    const state = play(...inside(), promotion);
    expect(state.you?.tier).toBe("vip");
    expect(chosenStream(state, null)?.stream).toBe("vip");
    expect(chosenStream(state, "main")?.stream).toBe("main");
  });

  it("demotes on refund, streams and all, and ignores the promotion that comes late", () => {
    const demotion: Action = { event: "tier", data: { tier: "none", version: 2, permissions: [], streams: [], reason: "refund" } };
    const state = play(...inside(), promotion, demotion, promotion);
    expect(state.you?.tier).toBe("none");
    expect(chosenStream(state, "vip")).toBeNull();
  });

  it("never takes a grant to publish for one to play", () => {
    expect(chosenStream(play(...inside({ streams: [{ ...grant("stage"), right: "publish" }] })), null)).toBeNull();
  });

  it("sorts orders by what can be done with them and keeps the newest version of each", () => {
    const state = play(...inside({}, { orders: [order("pending", 1)] }), { event: "order", data: order("paid", 2) }, { event: "orders", data: [order("pending", 1), order("pending", 1, "o2")] });
    expect(settledOrders(state).map((one) => one.order)).toEqual(["o1"]);
    expect(pendingOrders(state).map((one) => one.order)).toEqual(["o2"]);
  });
});

describe("why somebody may not", () => {
  const cases: [string, Action[], ReturnType<typeof barrier>][] = [
    ["before the welcome", [], "offline"],
    ["without a ticket", inside(), "ticket"],
    ["with a ticket before the doors", inside({ room: { ...ROOM, phase: "presale" } }, { tier: "main" }), "phase"],
    ["with the balance open", inside({}, { tier: "lobby" }), "balance"],
    ["when permitted", inside({}, { tier: "main", permissions: ["danmaku"] }), null],
    ["when muted, though permitted", inside({}, { tier: "main", permissions: ["danmaku"], muted_until_ms: 9 }), "muted"],
    ["when the host switched it off", inside({ room: { ...ROOM, switches: { ...ROOM.switches, chat: "off" } } }, { tier: "vip" }), "off"],
    ["when it is for VIP only", inside({ room: { ...ROOM, phase: "live", switches: { ...ROOM.switches, chat: "vip" } } }, { tier: "main" }), "vip_only"],
    ["while reconnecting", [...inside({}, { permissions: ["danmaku"] }), { event: "connection", data: { state: "reconnecting" } }], "offline"],
  ];
  it.each(cases)("%s", (_name, actions, expected) => expect(barrier(play(...actions), SPEAK)).toBe(expected));

  it("ends a mute when the note says so", () => {
    const muted: Action = { event: "inbox", data: { id: "n1", kind: "muted", at_ms: 1, until_ms: null } };
    const unmuted: Action = { event: "inbox", data: { id: "n2", kind: "unmuted", at_ms: 2, until_ms: null } };
    const state = play(...inside({}, { tier: "main", permissions: ["danmaku"] }), muted);
    expect(barrier(state, SPEAK)).toBe("muted");
    expect(barrier(reduce(state, unmuted), SPEAK)).toBeNull();
  });
});

it("reads from the audit log who is muted and banned now", () => {
  const item = (id: string, action: string, target: string) => ({ id, action, target, by: "host", at_ms: 1 });
  expect(sanctioned([item("1", "mute", "a"), item("2", "ban", "b"), item("3", "mute", "c"), item("4", "unmute", "a")])).toEqual({ muted: ["c"], banned: ["b"] });
});

describe("a ticket outside the door", () => {
  const refused = (code: string): Action => ({ event: "connection", data: { state: "refused", refusal: { code, retryable: false } } });
  const held = inside({ streams: [grant("main")] }, { tier: "main", version: 3, permissions: ["danmaku"] });

  it("is none once the door asks for one, and gives nothing any more", () => {
    const state = play(...held, refused("TICKET_REQUIRED"));
    expect([tierOf(state), state.you?.tier, state.you?.permissions, playable(state)]).toEqual(["none", "none", [], []]);
    expect(tierOf(play(...held, refused("BALANCE_DUE")))).toBe("lobby");
  });

  it("stays what it was behind a door shut for another reason, until HTTP says otherwise", () => {
    const kicked: Action = { event: "connection", data: { state: "ended", bye: { code: "KICKED", retryable: false } } };
    expect(tierOf(play(...held, kicked))).toBe("main");
    expect(tierOf(play(...held, kicked, { event: "entitlement", data: { tier: "none", version: 4 } }))).toBe("none");
    expect(tierOf(play(...held, kicked, { event: "entitlement", data: { tier: "none", version: 2 } }))).toBe("main");
  });

  it("is known to somebody who was never inside", () => {
    expect(tierOf(play(refused("ROOM_ENDED"), { event: "entitlement", data: { tier: "vip", version: 1 } }))).toBe("vip");
  });

  it("is told by the socket alone to who is inside", () => {
    expect(tierOf(play(...held, { event: "entitlement", data: { tier: "none", version: 9 } }))).toBe("main");
  });
});
