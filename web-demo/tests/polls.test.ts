import { describe, expect, it } from "vitest";
import type { Poll } from "../src/contract.gen";
import { asked, flawOf, leading, shares, votesOf } from "../src/features/polls/poll";

const poll = (...votes: number[]): Poll => ({ id: "p", question: "Encore?", options: votes.map((count, index) => ({ text: `${index}`, votes: count })), asked_ms: 1, ended_ms: null });

describe("the shares of a poll", () => {
  it.each([
    [[0, 0], [0, 0]],
    [[1, 0], [100, 0]],
    [[1, 1, 1], [33, 33, 33]],
    [[2, 1], [67, 33]],
    [[1, 1, 1, 1, 1, 1], [17, 17, 17, 17, 17, 17]],
    [[99_999, 1], [100, 0]],
  ])("of %j votes are %j per cent", (votes, expected) => {
    expect(shares(poll(...votes))).toEqual(expected);
  });
});

it("counts people, and knows which options lead", () => {
  expect(votesOf(poll(3, 4, 0))).toBe(7);
  expect(leading(poll(3, 4, 4))).toEqual([1, 2]);
  expect(leading(poll(0, 0))).toEqual([]);
});

describe("a question", () => {
  it("is asked without blanks around it and without empty options", () => {
    expect(asked(" Encore? ", ["yes ", "  ", " no", ""])).toEqual({ question: "Encore?", options: ["yes", "no"] });
  });

  it.each([
    ["", ["yes", "no"], "empty"],
    ["x".repeat(121), ["yes", "no"], "question_long"],
    ["Encore?", ["yes", "n".repeat(41)], "option_long"],
    ["Encore?", ["yes", " "], "few"],
    ["Encore?", ["Yes", "yes"], "same"],
    ["Encore?", ["yes", "no"], null],
    // as many as people count, though 2,640 bytes: the gateway counts graphemes, too
    ["👩‍👩‍👧‍👦".repeat(120), ["是", "否"], null],
  ])("%s with options %j has the flaw %s", (question, options, flaw) => {
    expect(flawOf(asked(question, options))).toBe(flaw);
  });
});
