/** Why somebody may not, in words. */
import type { JSX } from "preact";
import { duration } from "../format";
import { useLanguage, type Translate } from "../i18n";
import type { Barrier, RoomState } from "../state";
import { useNow } from "../store";
import { Icon } from "./icons";

export function BarrierLine({ why, state }: { why: Barrier; state: RoomState }): JSX.Element {
  const { t } = useLanguage();
  const now = useNow();
  return <span class="muted barred"><Icon name="lock" size={13} />{barrierText(t, why, state, now + state.offset_ms)}</span>;
}

export function barrierText(t: Translate, why: Barrier, state: RoomState, server_now_ms: number): string {
  const until = state.you?.muted_until_ms;
  if (why === "muted" && until && until - server_now_ms < 86_400_000) return t("barrier.muted_until", { time: duration(until - server_now_ms) });
  return t(`barrier.${why}`);
}
