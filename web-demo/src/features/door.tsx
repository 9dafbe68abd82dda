/** Coming in: the queue at the door, what a ticket became worth, who is here. */
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { useNow } from "../clock";
import type { Admission, Tier } from "../contract.gen";
import { duration } from "../format";
import { useLanguage } from "../i18n";
import { Icon } from "../ui/icons";
import { NumberTile } from "../ui/parts";
import { ShowPoster } from "../ui/show_poster";
import type { ConsolePage, FanPage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "queue.title": "You are in the queue",
    "queue.place": "Place {position}",
    "queue.eta": "Your turn in about",
    "queue.soon": "Any moment now",
    "queue.lead": "Many fans are at the door. It opens for you on this very page: just stay.",
    "queue.vip": "With your VIP ticket you go first.",
    "queue.vip_first": "VIP tickets go first.",
    "reason.purchase": "Your ticket is valid: welcome!",
    "reason.admitted": "It is your turn: you are in!",
    "reason.refund": "Your ticket was returned. You are in the foyer.",
    "reason.refund_failed": "The refund failed: your ticket is valid again.",
    "console.online": "Here",
  },
  {
    "queue.title": "你正在排队",
    "queue.place": "第 {position} 位",
    "queue.eta": "预计还需",
    "queue.soon": "马上就到",
    "queue.lead": "门口人很多，轮到你时本页会自动进场，请勿离开。",
    "queue.vip": "持 VIP 票优先入场。",
    "queue.vip_first": "VIP 票优先入场。",
    "reason.purchase": "购票成功，欢迎！",
    "reason.admitted": "轮到你了：已入场！",
    "reason.refund": "票已退，你回到了前厅。",
    "reason.refund_failed": "退款失败：你的票恢复有效。",
    "console.online": "在场",
  },
);

/** Which place, about how long, and that nothing has to be done. */
function Queue({ show: { title }, state }: FanPage): JSX.Element | null {
  const { admission, you } = state;
  return admission && <Waiting title={title} admission={admission} tier={you?.tier ?? "none"} />;
}

function Waiting({ title, admission, tier }: { title: string; admission: Admission; tier: Tier }): JSX.Element {
  const { t } = useLanguage();
  const due_ms = useMemo(() => Date.now() + admission.eta_ms, [admission]);
  const left_ms = due_ms - useNow(500);
  return (
    <div class="poster queue" data-testid="queue" data-value={admission.position}>
      <ShowPoster title={title} large centred />
      <div class="poster-text">
        <span class="poster-icon"><Icon name={tier === "vip" ? "crown" : "users"} size={26} /></span>
        <h2>{t("queue.title")}</h2>
        <strong class="queue-place" role="status">{t("queue.place", { position: admission.position })}</strong>
        <div class={left_ms > 0 ? "countdown" : "countdown due"}>
          {left_ms > 0 && <span class="countdown-label">{t("queue.eta")}</span>}
          <time class="digits" data-testid="queue-eta">{left_ms > 0 ? duration(left_ms) : t("queue.soon")}</time>
        </div>
        <p>{t("queue.lead")} {t(tier === "vip" ? "queue.vip" : "queue.vip_first")}</p>
      </div>
    </div>
  );
}

function Here({ state }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  return <NumberTile label={t("console.online")} testid="online">{state.presence?.online ?? 0}</NumberTile>;
}

export function useFanPage({ state, notify }: FanPage): void {
  const { t } = useLanguage();
  const reason = state.you?.reason;
  useEffect(() => {
    if (reason === "purchase" || reason === "admitted") notify(t(`reason.${reason}`), "good");
    else if (reason === "refund" || reason === "refund_failed") notify(t(`reason.${reason}`));
  }, [reason, state.you?.version]);
  useEffect(() => {
    if (state.login.state === "renewed") notify(t("login.renewed"), "good");
  }, [state.login]);
  useEffect(() => {
    if (state.caught_up) notify(t("connection.caught_up", { count: state.caught_up }));
  }, [state.caught_up]);
}

export const fan: Feature["fan"] = { queue: Queue };
export const console: Feature["console"] = { numbers: Here };
