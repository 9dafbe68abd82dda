/** How the gateway of this console does. */
import type { JSX } from "preact";
import { useLanguage } from "../i18n";
import { NumberTile } from "../ui/parts";
import type { ConsolePage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "console.lag": "Loop lag",
    "console.waiting": "At the door",
    "console.shed": "Shed",
  },
  {
    "console.lag": "循环延迟",
    "console.waiting": "门口排队",
    "console.shed": "已丢弃",
  },
);

function Health({ state: { health } }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  const shed = Object.entries(health?.shed ?? {}).filter(([, count]) => count > 0).map(([kind, count]) => `${kind} ${count}`).join(", ");
  return (
    <>
      {(health?.waiting ?? 0) > 0 && <NumberTile label={t("console.waiting")} testid="waiting">{health?.waiting}</NumberTile>}
      <NumberTile label={t("console.lag")} testid="lag">{health ? `${health.lag_ms} ms` : "–"}</NumberTile>
      <NumberTile label={t("console.shed")} testid="shed">{shed || "0"}</NumberTile>
    </>
  );
}

export const console: Feature["console"] = { numbers: Health };
