/** The queue at the door: which place, about how long, and that nothing has to be done. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { useNow } from "../clock";
import type { Admission, Tier } from "../contract.gen";
import { duration } from "../format";
import { useLanguage } from "../i18n";
import { Icon } from "./icons";
import { ShowPoster } from "./show_poster";

export function Queue({ title, admission, tier }: { title: string; admission: Admission; tier: Tier }): JSX.Element {
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
