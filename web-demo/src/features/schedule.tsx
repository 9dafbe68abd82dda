/** What is planned: countdowns, and until when tickets may be returned. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { setRefunds } from "../api";
import { clockOf, dayOf } from "../format";
import { codeText, useLanguage } from "../i18n";
import { steers } from "../state";
import { Panel, TimeLeft } from "../ui/parts";
import type { ConsolePage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "console.countdown": "Countdown",
    "console.countdown_label": "Label",
    "console.countdown_minutes": "Minutes",
    "console.countdown_kind": "What",
    "console.countdown_set": "Start",
    "console.countdown_clear": "Clear",
    "kind.doors": "Doors",
    "kind.show": "Show start",
    "kind.custom": "Own",
    "console.refunds": "Returns",
    "console.refunds_until": "Fans may return tickets until {date}, {time}. If the show is moved, this moves along.",
    "console.refunds_doors": "Fans may return tickets until the doors open.",
    "console.refunds_date": "Last moment to return tickets",
    "console.refunds_set": "Set",
    "console.refunds_clear": "Until the doors open",
  },
  {
    "console.countdown": "倒计时",
    "console.countdown_label": "标签",
    "console.countdown_minutes": "分钟",
    "console.countdown_kind": "类型",
    "console.countdown_set": "开始",
    "console.countdown_clear": "清除",
    "kind.doors": "开门",
    "kind.show": "开演",
    "kind.custom": "自定义",
    "console.refunds": "退票",
    "console.refunds_until": "观众可在 {date} {time} 之前退票。演出改期时，截止时间随之顺延。",
    "console.refunds_doors": "观众可在开门之前退票。",
    "console.refunds_date": "退票截止时间",
    "console.refunds_set": "设定",
    "console.refunds_clear": "改为开门之前",
  },
);

function Schedule(page: ConsolePage): JSX.Element | null {
  return steers(page.state) ? <><Countdowns {...page} /><Refunds {...page} /></> : null;
}

function Countdowns({ state, act }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  const [kind, setKind] = useState<"custom" | "doors" | "show">("custom");
  const [label, setLabel] = useState("");
  const [minutes, setMinutes] = useState("5");
  const running = Object.values(state.countdowns).filter((one) => one.scope === "room" && one.target_ms !== null);
  const set = async (event: Event) => {
    event.preventDefault();
    const target_ms = Math.round(Date.now() + state.offset_ms + parseFloat(minutes) * 60_000);
    if (Number.isFinite(target_ms)) await act("countdown:set", { target_ms, kind, label });
  };
  return (
    <Panel title={t("console.countdown")} icon="clock">
      <ul class="rows" data-testid="countdowns">
        {running.map((one) => (
          <li key={one.id} class="row">
            <span class="row-who"><b dir="auto">{one.label || t(one.kind === "doors" || one.kind === "show" ? `kind.${one.kind}` : "kind.custom")}</b></span>
            <TimeLeft target_ms={one.target_ms ?? 0} offset_ms={state.offset_ms} />
            <button type="button" class="quiet small" onClick={() => void act("countdown:clear", { id: one.id })}>{t("console.countdown_clear")}</button>
          </li>
        ))}
      </ul>
      <form class="inline" onSubmit={set}>
        <select aria-label={t("console.countdown_kind")} value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
          {(["custom", "doors", "show"] as const).map((one) => <option key={one} value={one}>{t(`kind.${one}`)}</option>)}
        </select>
        <input aria-label={t("console.countdown_label")} placeholder={t("console.countdown_label")} maxLength={1920} dir="auto" value={label} onInput={(event) => setLabel(event.currentTarget.value)} />
        <input aria-label={t("console.countdown_minutes")} type="number" min="0.5" step="0.5" class="short" value={minutes} onInput={(event) => setMinutes(event.currentTarget.value)} />
        <button type="submit" data-testid="countdown-set">{t("console.countdown_set")}</button>
      </form>
    </Panel>
  );
}

/** Until when tickets may be returned; the server moves it along with the show. */
function Refunds({ session, show, setShow, notify }: ConsolePage): JSX.Element {
  const { t, language } = useLanguage();
  const [wanted, setWanted] = useState("");
  const until_ms = show.refund_until_ms;
  const save = async (until_ms: number | null) => {
    const changed = await session.ask((token) => setRefunds(token, show.show, until_ms));
    if (changed.ok) setShow(changed.data);
    else notify(codeText(t, changed.error.code), "bad");
  };
  const set = async (event: Event) => {
    event.preventDefault();
    const at_ms = new Date(wanted).getTime();
    if (Number.isFinite(at_ms)) await save(at_ms);
  };
  return (
    <Panel title={t("console.refunds")} icon="ticket">
      <p data-testid="refund-until">{until_ms === null ? t("console.refunds_doors") : t("console.refunds_until", { date: dayOf(until_ms, language), time: clockOf(until_ms, language) })}</p>
      <form class="inline" onSubmit={set}>
        <input type="datetime-local" data-testid="refund-date" aria-label={t("console.refunds_date")} value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        <button type="submit" data-testid="refund-set">{t("console.refunds_set")}</button>
        {until_ms !== null && <button type="button" class="quiet" data-testid="refund-doors" onClick={() => void save(null)}>{t("console.refunds_clear")}</button>}
      </form>
    </Panel>
  );
}

export const console: Feature["console"] = { left: Schedule };
