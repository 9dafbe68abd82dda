/** Numbers and times as people read them. Pure. */
const MINOR_DIGITS: Readonly<Record<string, number>> = { JPY: 0, KRW: 0 };

export function money(minor: number, currency: string, language: string): string {
  const digits = MINOR_DIGITS[currency] ?? 2;
  const format = new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: minor % 10 ** digits ? digits : 0 });
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
