import { describe, expect, it } from "vitest";
// Written by `make test` before these tests: `liveroom contract --out var/contract`.
import asyncapiText from "../../var/contract/asyncapi.json?raw";
import openapiText from "../../var/contract/openapi.json?raw";
import { contractOf, matching, picture, textOf, words, type Machine } from "../src/docs/model";
import { docsTexts } from "../src/docs/text";

const contract = contractOf(JSON.parse(asyncapiText), JSON.parse(openapiText));

describe("the reference", () => {
  it("tells of a command what it asks for, what it answers and what it can meet", () => {
    const gift = contract.commands.find((command) => command.name === "gift");
    expect(gift).toMatchObject({ namespaces: ["/live"], permission: "gift", rate: "gift", ack: "GiftAck" });
    expect(gift?.errors).toContain("INSUFFICIENT_CREDITS");
    const phase = contract.commands.find((command) => command.name === "show:phase");
    expect(phase).toMatchObject({ namespaces: ["/console"], roles: ["host", "operator"] });
  });

  it("knows on which namespaces an event is heard", () => {
    const of = (name: string) => contract.events.find((event) => event.name === name)?.namespaces;
    expect(of("danmaku")).toEqual(["/live", "/console"]);
    expect(of("revenue")).toEqual(["/console"]);
  });

  it("leads from every type that is named to one that is there", () => {
    const names = new Set([...contract.types, ...contract.bodies].map((type) => type.name));
    const fields = [...contract.types, ...contract.bodies].flatMap((type) => type.fields.map((field) => field.type));
    const links = [...fields, ...contract.routes.flatMap((route) => [route.body, ...route.answers.map((answer) => answer.type)])].flat();
    const dead = links.flatMap((part) => ("link" in part && !names.has(part.link) ? [part.link] : []));
    expect(dead).toEqual([]);
    expect(links.length).toBeGreaterThan(300);
  });

  it("says the role of every route", () => {
    expect(contract.routes.filter((route) => route.roles.length === 0 || !route.doc)).toEqual([]);
    expect(contract.routes.map((route) => route.path)).toContain("/api/v1/orders");
  });
});

it.each([
  [{ type: "string", minLength: 1, maxLength: 64 }, "string (1 to 64 characters)"],
  [{ type: "integer", minimum: 0, maximum: 2 ** 53 }, "integer"],
  [{ type: "integer", maximum: 9, default: 1 }, "integer (at most 9), default 1"],
  [{ anyOf: [{ $ref: "#/components/schemas/Tier" }, { type: "null" }], default: null }, "Tier or null"],
  [{ allOf: [{ $ref: "#/components/schemas/Tier" }], description: "x" }, "Tier"],
  [{ type: "array", items: { type: "string" }, default: [] }, "list of string"],
  [{ type: "object", additionalProperties: { type: "integer" } }, "map of string to integer"],
  [{ enum: ["room", "me"] }, '"room" or "me"'],
  [{}, "anything"],
])("a schema %j reads as %s", (schema, expected) => expect(textOf(words(schema, ""))).toBe(expected));

describe("a search", () => {
  it("is the whole contract without words", () => expect(matching(contract, "  ")).toBe(contract));
  it("finds a field wherever it is", () => {
    const found = matching(contract, "retry_after_ms");
    expect(found.events.map((event) => event.name)).toContain("bye");
    expect(found.types.map((type) => type.name)).toContain("ErrorBody");
  });
  it("asks for every word", () => {
    const found = matching(contract, "sold_out /live");
    expect(found.commands).toEqual([]);
    expect(matching(contract, "SOLD_OUT seats").codes.map((row) => row.code)).toEqual(["SOLD_OUT"]);
  });
  it("finds commands by what they can meet", () => {
    expect(matching(contract, "insufficient_credits").commands.map((command) => command.name)).toEqual(["gift"]);
  });
});

describe("a picture of states", () => {
  it.each(contract.machines.map((machine) => [machine.name, machine] as const))("of %s has each step once, on the page, and no two lines on each other", (_name, machine) => {
    const { width, height, boxes, arrows } = picture(machine);
    const ways = new Set(machine.edges.map((edge) => `${edge.from} ${edge.to}`));
    expect(new Set(arrows.map((arrow) => `${arrow.from} ${arrow.to}`))).toEqual(ways);
    expect(arrows).toHaveLength(ways.size);
    expect(boxes.map((box) => box.name)).toEqual(machine.states.map((state) => state.name));
    const numbers = arrows.map((arrow) => arrow.path.match(/-?[\d.]+/g)!.map(Number));
    for (const line of numbers) for (const number of line) expect(number).toBeGreaterThanOrEqual(0);
    expect(Math.max(...boxes.map((box) => box.x + box.width))).toBeLessThanOrEqual(width);
    expect(Math.max(...boxes.map((box) => box.y + box.height))).toBeLessThanOrEqual(height);
    const upright = arrows.map((arrow) => {
      const [, lane, top, bottom] = /Q([\d.]+) [\d.]+ [\d.]+ ([\d.]+)V([\d.]+)/.exec(arrow.path)!.map(Number);
      return { lane: lane!, low: Math.min(top!, bottom!), high: Math.max(top!, bottom!) };
    });
    for (const [index, one] of upright.entries()) {
      for (const other of upright.slice(index + 1)) expect(one.lane !== other.lane || one.high < other.low || other.high < one.low).toBe(true);
    }
  });

  it("begins at the first state, ends where nothing leads on, and draws events between two states as one line", () => {
    const light: Machine = {
      name: "A light", meaning: "", events: [],
      states: ["off", "on", "broken"].map((name) => ({ name, meaning: "" })),
      edges: [{ from: "off", to: "on", event: "press" }, { from: "off", to: "on", event: "clap" }, { from: "on", to: "off", event: "press" }, { from: "on", to: "broken", event: "fall" }],
    };
    const { boxes, arrows } = picture(light);
    expect(boxes.map((box) => [box.name, box.isFirst, box.isLast])).toEqual([["off", true, false], ["on", false, false], ["broken", false, true]]);
    expect(arrows.map((arrow) => arrow.label)).toEqual(["press, clap", "fall", "press"]);
  });
});

it("the texts fill their holes in both languages", () => {
  for (const language of ["en", "zh"] as const) expect(docsTexts(language)("found", { count: 3, all: 9 })).toMatch(/3.*9|9.*3/);
});
