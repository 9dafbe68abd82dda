/** How the evening goes: phases, switches, and the brake for when it goes wrong. */
import type { JSX } from "preact";
import type { Scale, Switches } from "../contract.gen";
import { useLanguage, type TextKey } from "../i18n";
import { headCountdown, steers } from "../state";
import { Icon } from "../ui/icons";
import { CountdownLine, Panel } from "../ui/parts";
import { PhaseBar } from "../ui/phase_bar";
import type { ConsolePage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "console.switches": "Switches",
    "console.slow": "Slow mode",
    "console.slow_off": "off",
    "scale.off": "Off",
    "scale.vip": "VIP",
    "scale.ticket": "Ticket",
    "scale.everyone": "Everyone",
    "console.panic": "Panic",
    "console.panic_hint": "slow mode, tickets only, links off",
  },
  {
    "console.switches": "开关",
    "console.slow": "慢速模式",
    "console.slow_off": "关",
    "scale.off": "关",
    "scale.vip": "VIP",
    "scale.ticket": "有票",
    "scale.everyone": "所有人",
    "console.panic": "紧急",
    "console.panic_hint": "慢速、仅限有票、禁链接",
  },
);

const SCALES: readonly Scale[] = ["off", "vip", "ticket", "everyone"];
const SLOW_STEPS_MS = [0, 3_000, 5_000, 10_000, 30_000];

function Head({ state, store, act, notify }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  const countdown = headCountdown(state);
  const panic = async () => {
    const room = await act("panic", {});
    if (room) store.dispatch({ event: "room", data: room });
  };
  return (
    <>
      <PhaseBar state={state} store={store} notify={notify} />
      {countdown && <CountdownLine countdown={countdown} offset_ms={state.offset_ms} />}
      <button type="button" class="danger panic" data-testid="panic" title={t("console.panic_hint")} onClick={() => void panic()}>
        <Icon name="alert" />{t("console.panic")}<small>{t("console.panic_hint")}</small>
      </button>
    </>
  );
}

/** Every switch that the room has; the feature that obeys it brings its label, `switch.NAME`. */
function SwitchPanel({ state, store, act }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  const switches = state.room?.switches;
  const fixed = !steers(state);
  const named = (kind: "string" | "boolean") => Object.entries(switches ?? {}).filter(([, value]) => typeof value === kind).map(([name]) => name as keyof Switches);
  const label = (name: string) => t(`switch.${name}` as TextKey);
  const flip = async (changes: Partial<Switches>) => {
    const room = await act("room:switches", changes);
    if (room) store.dispatch({ event: "room", data: room });
  };
  return (
    <Panel title={t("console.switches")} icon="sliders">
      {named("string").map((name) => (
        <div class="switch-row" key={name}>
          <span>{label(name)}</span>
          <div class="segmented" role="group" aria-label={label(name)}>
            {SCALES.map((scale) => <button type="button" key={scale} data-testid={`switch-${name}-${scale}`} aria-pressed={switches?.[name] === scale} disabled={fixed} onClick={() => void flip({ [name]: scale })}>{t(`scale.${scale}`)}</button>)}
          </div>
        </div>
      ))}
      <div class="switch-row">
        <span>{t("console.slow")}</span>
        <div class="segmented" role="group" aria-label={t("console.slow")}>
          {SLOW_STEPS_MS.map((slow_ms) => <button type="button" key={slow_ms} aria-pressed={switches?.slow_ms === slow_ms} disabled={fixed} onClick={() => void flip({ slow_ms })}>{slow_ms === 0 ? t("console.slow_off") : `${slow_ms / 1000} s`}</button>)}
        </div>
      </div>
      {named("boolean").map((name) => (
        <label class="switch-row" key={name}>
          <span>{label(name)}</span>
          <input type="checkbox" role="switch" data-testid={`switch-${name}`} checked={switches?.[name] === true} disabled={fixed} onChange={(event) => void flip({ [name]: event.currentTarget.checked })} />
        </label>
      ))}
    </Panel>
  );
}

export const console: Feature["console"] = { head: Head, right: SwitchPanel };
