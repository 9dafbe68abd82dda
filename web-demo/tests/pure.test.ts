import { describe, expect, it } from "vitest";
import contractText from "../src/contract.gen.ts?raw";
import { CURRENCY_DIGITS } from "../src/contract.gen";
import { duration, money } from "../src/format";
import { FEATURES } from "../src/features/registry";
import { codeText, translate, type TextKey } from "../src/i18n";
import { texts as codeTexts } from "../src/texts/codes";
import { texts as commonTexts } from "../src/texts/common";
import { texts as introTexts } from "../src/texts/intro";
import { texts as pageTexts } from "../src/texts/pages";
import { TEXTS } from "../src/texts/words";
import { emptyLanes, takeLane } from "../src/features/chat/lanes";

describe("lanes", () => {
  it("give simultaneous danmaku a lane each and then none", () => {
    const lanes = emptyLanes(3);
    expect([1, 2, 3, 4].map(() => takeLane(lanes, 0, 200, 800, 8_000))).toEqual([0, 1, 2, -1]);
  });

  it("are free again once the tail has entered", () => {
    const lanes = emptyLanes(1);
    takeLane(lanes, 0, 200, 800, 8_000);
    expect(takeLane(lanes, 1_700, 200, 800, 8_000)).toBe(-1);
    expect(takeLane(lanes, 1_800, 200, 800, 8_000)).toBe(0);
  });

  it("are closed to a fast one that would catch up with a slow one", () => {
    const lanes = emptyLanes(1);
    takeLane(lanes, 0, 50, 800, 8_000);
    expect(takeLane(lanes, 1_000, 2_000, 800, 8_000)).toBe(-1);
  });
});

describe("numbers", () => {
  it("read as money", () => {
    expect(money(8800, "CNY", "zh")).toBe("¥88");
    expect(money(8850, "CNY", "en")).toBe("¥88.50");
    expect(money(500, "JPY", "en")).toBe("¥500");
    expect(money(250_000, "VND", "en")).toBe("₫250,000");
    expect(money(12_500, "KWD", "en").replace(/\s/u, " ")).toBe("KWD 12.500");
    expect(money(12_345, "CLF", "en").replace(/\s/u, " ")).toBe("CLF 1.2345");
    // ISO 4217 has places for these, and browsers by themselves show none
    expect(money(12_345, "IQD", "en").replace(/\s/u, " ")).toBe("IQD 12.345");
    expect(money(12_345, "HUF", "en").replace(/\s/u, " ")).toBe("Ft 123.45");
  });

  it("have the places of the contract in every currency, also where the browser would have others", () => {
    for (const currency of Intl.supportedValuesOf("currency")) {
      const digits = CURRENCY_DIGITS[currency] ?? 2;
      expect(money(10 ** digits + 1, currency, "en"), currency).toMatch(digits ? new RegExp(`\\D1\\.${"1".padStart(digits, "0")}$`, "u") : /\D2$/u);
    }
  });

  it.each([[0, "00:00"], [-5, "00:00"], [61_000, "01:01"], [3_661_000, "01:01:01"], [90_000_000, "1 d 01:00:00"], [1, "00:01"]])("%i ms left read as %s", (left, text) => {
    expect(duration(left)).toBe(text);
  });
});

describe("texts", () => {
  const codes = [...contractText.matchAll(/export type Code = (.*);/g)][0]?.[1]?.match(/\w+/g) ?? [];

  it("exist for every code of the contract, in both languages", () => {
    expect(codes.length).toBeGreaterThan(30);
    for (const language of ["en", "zh"] as const) {
      for (const code of codes) expect(codeText((key, values) => translate(language, key, values), code, "bye"), code).not.toBe(code);
    }
  });

  it("exist in both languages, with the same values to fill in", () => {
    const values = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
    expect(Object.keys(TEXTS.zh).sort()).toEqual(Object.keys(TEXTS.en).sort());
    for (const [key, text] of Object.entries(TEXTS.en)) {
      const other = TEXTS.zh[key] ?? "";
      expect(other.trim(), key).not.toBe("");
      expect(values(other), key).toEqual(values(text));
    }
  });

  it("stand in one place each", () => {
    const keys = [commonTexts, codeTexts, introTexts, pageTexts, ...FEATURES.map((feature) => feature.texts)].flatMap((texts) => Object.keys(texts.en));
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    expect(keys.sort()).toEqual(Object.keys(TEXTS.en).sort());
  });

  it("fill in their values and leave unknown ones visible", () => {
    expect(translate("en", "box.left", { left: 3 })).toBe("3 left");
    expect(translate("en", "box.left" as TextKey)).toBe("{left} left");
  });
});
