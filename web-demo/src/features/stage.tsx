/** Who is on stage, who asks to come, and how a fan gets there. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { codeText, useLanguage } from "../i18n";
import { barrier, isOfStaff, type Interaction, type SaidLine } from "../state";
import { BarrierLine } from "../ui/barrier";
import { Icon } from "../ui/icons";
import { Panel, SmallButton, TierBadge } from "../ui/parts";
import type { ConsolePage, FanPage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "stage.title": "On stage",
    "stage.empty": "Nobody is on stage with the host.",
    "stage.request": "Ask to come on stage",
    "stage.requested": "Asked. The host decides.",
    "stage.cancel": "Withdraw",
    "stage.invited": "The host invites you on stage!",
    "stage.accept": "Go on stage",
    "stage.on": "You are on stage.",
    "stage.leave": "Leave",
    "stage.granted": "publish grant received",
    "stage.reason.rejected": "Not this time.",
    "stage.reason.removed": "The host took you off the stage.",
    "stage.reason.left": "You left the stage.",
    "stage.reason.cancelled": "Withdrawn.",
    "stage.reason.rights_ended": "Your ticket ended, and the stage with it.",
    "stage.reason.paused": "The stage rests while the show is paused.",
    "stage.reason.absent": "You were away, and your place on stage was given back.",
    "stage.reason.expired": "Nobody answered in time.",
    "switch.cohost": "Stage requests",
    "console.queue": "Wants to come on stage",
    "console.queue_empty": "Nobody asks.",
    "console.approve": "Approve",
    "console.reject": "Reject",
    "console.invited": "invited",
    "console.stage_empty": "The stage is yours alone.",
    "console.remove": "Remove",
    "console.invite": "Invite",
  },
  {
    "stage.title": "连麦",
    "stage.empty": "目前没有人连麦。",
    "stage.request": "申请连麦",
    "stage.requested": "已申请，等待主播同意。",
    "stage.cancel": "撤回",
    "stage.invited": "主播邀请你连麦！",
    "stage.accept": "上麦",
    "stage.on": "你正在连麦。",
    "stage.leave": "下麦",
    "stage.granted": "已获推流授权",
    "stage.reason.rejected": "这次没有轮到你。",
    "stage.reason.removed": "主播结束了与你的连麦。",
    "stage.reason.left": "你已下麦。",
    "stage.reason.cancelled": "已撤回。",
    "stage.reason.rights_ended": "票已失效，连麦结束。",
    "stage.reason.paused": "演出暂停，连麦休息。",
    "stage.reason.absent": "你离开太久，连麦位置已让出。",
    "stage.reason.expired": "等待超时，无人回应。",
    "switch.cohost": "连麦申请",
    "console.queue": "连麦申请",
    "console.queue_empty": "没有申请。",
    "console.approve": "同意",
    "console.reject": "拒绝",
    "console.invited": "已邀请",
    "console.stage_empty": "台上只有你。",
    "console.remove": "移除",
    "console.invite": "邀请",
  },
);

const COME_ON: Interaction = { permission: "cohost", switch: "cohost" };

type StageCommand = "cohost:request" | "cohost:cancel" | "cohost:accept" | "cohost:leave";

function StagePanel({ state, store, notify }: FanPage): JSX.Element {
  const { t } = useLanguage();
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
            {why ? why !== "ticket" && <BarrierLine why={why} state={state} />
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

function Queue({ state, act }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  const members = state.stage?.members ?? [];
  const queue = state["cohost:queue"]?.items ?? [];
  return (
    <>
      <Panel title={t("console.queue")} icon="mic" aside={<span class="muted digits">{queue.length}</span>}>
        <ul class="rows" data-testid="queue">
          {queue.length === 0 && <li class="muted">{t("console.queue_empty")}</li>}
          {queue.map((item) => (
            <li key={item.user} class="row">
              <span class="row-who"><bdi class="name">{item.name}</bdi> <TierBadge tier={item.tier} />{item.message && <em class="muted" dir="auto">{item.message}</em>}</span>
              {item.state === "invited" ? <span class="muted">{t("console.invited")}</span> : <button type="button" class="primary small" data-testid={`approve-${item.user}`} onClick={() => void act("cohost:approve", { user: item.user })}>{t("console.approve")}</button>}
              <button type="button" class="quiet small" data-testid={`reject-${item.user}`} onClick={() => void act("cohost:reject", { user: item.user })}>{t("console.reject")}</button>
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title={t("stage.title")} icon="users" aside={state.stage && <span class="muted digits">{members.length}/{state.stage.capacity}</span>}>
        <ul class="rows" data-testid="stage">
          {members.length === 0 && <li class="muted">{t("console.stage_empty")}</li>}
          {members.map((member) => (
            <li key={member.user} class="row">
              <span class="row-who"><bdi class="name">{member.name}</bdi></span>
              <button type="button" class="quiet small" data-testid={`remove-${member.user}`} onClick={() => void act("cohost:remove", { user: member.user })}>{t("console.remove")}</button>
            </li>
          ))}
        </ul>
      </Panel>
    </>
  );
}

function Invite({ line, act }: ConsolePage & { line: SaidLine }): JSX.Element | null {
  const { t } = useLanguage();
  return isOfStaff(line) ? null : <SmallButton run={() => act("cohost:invite", { user: line.item.user })}>{t("console.invite")}</SmallButton>;
}

export const fan: Feature["fan"] = { foot: StagePanel };
export const console: Feature["console"] = { left: Queue, line: Invite };
