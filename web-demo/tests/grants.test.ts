import { describe, expect, it } from "vitest";
import { hasEnded, renewIn } from "../src/grants";

const grant = { stream: "main", url: "/x", expires_ms: 1_000_000, issued_ms: 0 } as never;

describe("a stream grant", () => {
  it("is renewed shortly before its end", () => expect(renewIn(grant, 880_000)).toBe(105_000));
  it("is renewed at half of a short life", () => expect(renewIn(grant, 990_000)).toBe(5_000));
  it("is renewed at once when it has ended, but not in a circle", () => expect(renewIn(grant, 2_000_000)).toBe(1_000));
  it("has ended by the server's clock", () => {
    expect(hasEnded(grant, 999_999)).toBe(false);
    expect(hasEnded(grant, 1_000_000)).toBe(true);
  });
});
