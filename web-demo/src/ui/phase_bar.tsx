/** The phases of an evening as buttons; only lawful steps can be pressed. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { PHASE_TRANSITIONS, type ConsoleCommands, type Phase } from "../contract.gen";
import { codeText, useLanguage } from "../i18n";
import { steers, type RoomState } from "../state";
import type { RoomStore } from "../store";

/** In the order of an evening; `cancelled` stands apart, at the end. */
const EVENING = Object.keys(PHASE_TRANSITIONS) as Phase[];
const FINAL: readonly Phase[] = ["ended", "cancelled"];

export function PhaseBar({ state, store, notify }: { state: RoomState; store: RoomStore<ConsoleCommands>; notify: (text: string, tone?: "good" | "bad" | "plain") => void }): JSX.Element {
  const { t } = useLanguage();
  const [busy, setBusy] = useState(false);
  const current = state.room?.phase;
  const lawful = current && state.connection.state === "online" && steers(state) ? PHASE_TRANSITIONS[current] : [];
  const move = async (phase: Phase) => {
    setBusy(true);
    const moved = await store.live.call("show:phase", { phase });
    setBusy(false);
    if (moved.ok) store.dispatch({ event: "room", data: moved.data });
    else notify(codeText(t, moved.error.code), "bad");
  };
  return (
    <div class="phase-bar" role="group" aria-label={t("console.phase")}>
      {EVENING.map((phase) => (
        <button type="button" key={phase} data-testid={`phase-${phase}`} class={`step${phase === current ? " current" : ""}${FINAL.includes(phase) ? " final" : ""}`} aria-current={phase === current ? "step" : undefined} disabled={busy || !lawful.includes(phase)} onClick={() => void move(phase)}>
          {t(`phase.${phase}`)}
        </button>
      ))}
    </div>
  );
}
