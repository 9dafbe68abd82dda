/** The reducer knows classes and not names: events of features that are yet to come are kept without a line of it. */
import { describe, expect, it, vi } from "vitest";
import { EVENT_CLASSES, EVENT_KEYS, type Welcome } from "../src/contract.gen";
import { INITIAL, reduce, type Action, type RoomState } from "../src/state";

vi.mock("../src/contract.gen", async (original) => {
  const contract = await original<typeof import("../src/contract.gen")>();
  const classes = { poll: "state", question: "state", vote: "personal", takings: "console", cheer: "history", weather: "link" };
  return { ...contract, EVENT_CLASSES: { ...contract.EVENT_CLASSES, ...classes }, EVENT_KEYS: { ...contract.EVENT_KEYS, question: "id" } };
});

const WELCOME = {
  you: { user: "u", name: "U", role: "viewer", tier: "none", version: 0, permissions: [], wallet: { credits: 0, version: 0 }, orders: [], cohost: { state: "idle", version: 0 }, muted_until_ms: null },
  streams: [], countdowns: [], missed: [], recovered: false,
};

type Loose = Record<string, unknown> & RoomState;
const after = (...events: [string, object][]): Loose => events.reduce<RoomState>((state, [event, data]) => reduce(state, { event, data } as unknown as Action), INITIAL) as Loose;
const welcome = (parts: object, you: object = {}): [string, object] => ["welcome", { ...WELCOME, ...parts, you: { ...WELCOME.you, ...you } } as unknown as Welcome];

describe.each(["poll", "vote", "takings"])("a whole value (%s)", (event) => {
  it("is null until it is told, and then what was told last", () => {
    expect(after()[event]).toBeNull();
    expect(after([event, { votes: 1, version: 1 }], [event, { votes: 2, version: 2 }])[event]).toEqual({ votes: 2, version: 2 });
  });

  it("stays when an older one arrives late", () => {
    expect(after([event, { votes: 2, version: 2 }], [event, { votes: 1, version: 1 }])[event]).toEqual({ votes: 2, version: 2 });
  });

  it("is replaced after a welcome, whatever its version: a database may have been restored", () => {
    expect(after([event, { votes: 9, version: 9 }], welcome({}), [event, { votes: 1, version: 1 }])[event]).toEqual({ votes: 1, version: 1 });
  });
});

it("takes a state from the welcome and a personal one from its `you`, and lets go of what is not there", () => {
  const inside = after(welcome({ poll: { votes: 3, version: 5 } }, { vote: { option: 1, version: 2 } }));
  expect([inside.poll, inside.vote]).toEqual([{ votes: 3, version: 5 }, { option: 1, version: 2 }]);
  const back = after(welcome({ poll: { votes: 3, version: 5 } }, { vote: { option: 1, version: 2 } }), welcome({}));
  expect([back.poll, back.vote]).toEqual([null, null]);
});

it("shows a console what it knew until it is told anew", () => {
  expect(after(["takings", { sum: 9, version: 9 }], welcome({})).takings).toMatchObject({ sum: 9 });
});

describe("one of many values", () => {
  const one = (id: string, version: number) => ({ id, version });

  it("is kept by its key, the latest of each", () => {
    expect(after(["question", one("a", 1)], ["question", one("b", 5)], ["question", one("a", 2)], ["question", one("b", 4)]).questions).toEqual({ a: one("a", 2), b: one("b", 5) });
  });

  it("stands in the welcome with all others", () => {
    expect(after(["question", one("gone", 7)], welcome({ questions: [one("a", 1), one("b", 1)] })).questions).toEqual({ a: one("a", 1), b: one("b", 1) });
  });
});

it("shows items of a new history once, in the order they came", () => {
  const state = after(["cheer", { items: [{ id: "1" }, { id: "2" }], cursor: "c" }], ["cheer", { items: [{ id: "2" }, { id: "3" }], cursor: "d" }]);
  expect(state.chat.map((line) => [line.kind as string, line.id])).toEqual([["cheer", "1"], ["cheer", "2"], ["cheer", "3"]]);
});

it("changes nothing for news of the connection, or of a gateway that is newer than this page", () => {
  expect(after(["weather", { rain: true }])).toBe(INITIAL);
  expect(after(["of-tomorrow", { version: 1 }])).toBe(INITIAL);
});

it("has a place for every value of the contract", () => {
  for (const [event, kind] of Object.entries(EVENT_CLASSES)) {
    const place = event in EVENT_KEYS ? `${event}s` : event;
    if (kind === "state" || kind === "personal" || kind === "console") expect(INITIAL, event).toHaveProperty([place]);
  }
});
