/** Draws what features add to a place of a page. */
import type { ComponentChildren, ComponentType } from "preact";
import type { ConsolePage, ConsolePlaces, FanPage, FanPlaces, Lines } from "./feature";
import { FEATURES } from "./registry";

export const LINES: Lines = Object.assign({}, ...FEATURES.map((feature) => feature.lines));

export function fanPage(page: Omit<FanPage, "parts" | "lines">): FanPage {
  const whole: FanPage = { ...page, lines: LINES, parts: (place: keyof FanPlaces, beside: object) => drawn(FEATURES.map((feature) => feature.fan?.[place]), { ...whole, ...beside }) };
  return whole;
}

export function consolePage(page: Omit<ConsolePage, "parts" | "lines">): ConsolePage {
  const whole: ConsolePage = { ...page, lines: LINES, parts: (place: keyof ConsolePlaces, beside: object) => drawn(FEATURES.map((feature) => feature.console?.[place]), { ...whole, ...beside }) };
  return whole;
}

/** The list of features never changes, so neither do the hooks. */
export function useFanPage(page: FanPage): void {
  for (const feature of FEATURES) feature.useFanPage?.(page);
}

function drawn(parts: readonly unknown[], props: object): ComponentChildren {
  return parts.map((part, index) => {
    const Part = part as ComponentType<object> | undefined;
    return Part && <Part key={index} {...props} />;
  });
}
