/** Numbers and times as people read them. Pure. */
import { CURRENCY_DIGITS } from "./contract.gen";

/** An amount of minor units; the places are the contract's, for browsers follow other customs (none for HUF and IQD). */
export function money(minor: number, currency: string, language: string): string {
  const digits = CURRENCY_DIGITS[currency] ?? 2;
  const format = new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: minor % 10 ** digits ? digits : 0, maximumFractionDigits: digits });
  return format.format(minor / 10 ** digits);
}

/** `1 d 02:03:04`, `02:03:04` or `03:04`; never below zero. */
export function duration(left_ms: number): string {
  const seconds = Math.max(0, Math.ceil(left_ms / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  const clock = `${two(minutes)}:${two(seconds % 60)}`;
  if (days > 0) return `${days} d ${two(hours)}:${clock}`;
  return hours > 0 ? `${two(hours)}:${clock}` : clock;
}

export function timeOfDay(at_ms: number, language: string): string {
  return new Date(at_ms).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** `Sunday, 22 November 2026`, in the reader's time zone unless one is named. */
export function dayOf(at_ms: number, language: string, timeZone?: string): string {
  return new Date(at_ms).toLocaleDateString(language === "en" ? "en-GB" : language, { weekday: "long", day: "numeric", month: "long", year: "numeric", ...(timeZone ? { timeZone } : {}) });
}

/** `20:00`, in the reader's time zone unless one is named. */
export function clockOf(at_ms: number, language: string, timeZone?: string): string {
  return new Date(at_ms).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(timeZone ? { timeZone } : {}) });
}

/** `Berlin, GMT+1`: whose time the page tells, at that moment of the year. */
export function zoneOf(at_ms: number, language: string, timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone): string {
  const offset = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: "shortOffset" }).formatToParts(at_ms).find((part) => part.type === "timeZoneName")?.value ?? "";
  const place = timeZone.includes("/") ? timeZone.split("/").at(-1)?.replaceAll("_", " ") : undefined;
  return [place, offset].filter(Boolean).join(", ");
}
