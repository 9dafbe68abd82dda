/** Who is on stage, and how a fan gets there. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ViewerCommands } from "../contract.gen";
import { codeText, useLanguage } from "../i18n";
import { barrier, type Interaction, type RoomState } from "../state";
import { useNow, type RoomStore } from "../store";
import { barrierText } from "./chat";
import { Icon } from "./icons";
import { Panel } from "./parts";

const COME_ON: Interaction = { permission: "cohost", switch: "cohost" };

type StageCommand = "cohost:request" | "cohost:cancel" | "cohost:accept" | "cohost:leave";

interface Props {
  state: RoomState;
  store: RoomStore<ViewerCommands>;
  notify: (text: string, tone?: "good" | "bad" | "plain") => void;
}

export function StagePanel({ state, store, notify }: Props): JSX.Element {
  const { t } = useLanguage();
  const now = useNow();
  const [busy, setBusy] = useState(false);
  const members = state.stage?.members ?? [];
  const mine = state.cohost?.state ?? "idle";
  const why = barrier(state, COME_ON);
  const send = async (command: StageCommand) => {
    setBusy(true);
    const answer = await store.live.call(command, {});
    setBusy(false);
    if (answer.ok) store.dispatch({ event: "cohost", data: answer.data });
    else notify(codeText(t, answer.error.code), "bad");
  };
  const button = (command: StageCommand, text: string, look: string) => (
    <button type="button" class={look} disabled={busy} data-testid={command.replace(":", "-")} onClick={() => void send(command)}>{text}</button>
  );
  return (
    <Panel title={t("stage.title")} icon="mic" class="stage-panel" aside={state.stage && <span class="muted digits">{members.length}/{state.stage.capacity}</span>}>
      <ul class="members" data-testid="stage">
        {members.length === 0 && <li class="muted">{t("stage.empty")}</li>}
        {members.map((member) => (
          <li key={member.user} class={member.user === state.you?.user ? "member me" : "member"}><span class="avatar" aria-hidden="true">{[...member.name][0]?.toUpperCase()}</span><bdi>{member.name}</bdi></li>
        ))}
      </ul>
      <div class="stage-mine" data-testid="cohost" data-value={mine}>
        {mine === "idle" && (
          <>
            <button type="button" disabled={busy || why !== null} data-testid="cohost-request" onClick={() => void send("cohost:request")}><Icon name="mic" size={16} />{t("stage.request")}</button>
            {why ? why !== "ticket" && <span class="muted barred"><Icon name="lock" size={13} />{barrierText(t, why, state, now + state.offset_ms)}</span>
              : state.cohost?.reason && <span class="muted">{t(`stage.reason.${state.cohost.reason}`)}</span>}
          </>
        )}
        {mine === "requested" && <><span class="muted">{t("stage.requested")}</span>{button("cohost:cancel", t("stage.cancel"), "quiet")}</>}
        {mine === "invited" && <><strong>{t("stage.invited")}</strong>{button("cohost:accept", t("stage.accept"), "primary")}{button("cohost:cancel", t("stage.cancel"), "quiet")}</>}
        {mine === "on_stage" && <><strong class="good">{t("stage.on")}{state.cohost?.grant && <small class="muted"> {t("stage.granted")}</small>}</strong>{button("cohost:leave", t("stage.leave"), "quiet")}</>}
      </div>
    </Panel>
  );
}
