/** What the connection is doing, said plainly: a chip always, a banner when somebody should know, a card when the door is shut. */
import type { ComponentChildren, JSX } from "preact";
import type { ConsoleCommands, ViewerCommands } from "../contract.gen";
import { duration } from "../format";
import { codeText, useLanguage } from "../i18n";
import type { RoomState } from "../state";
import { isStale } from "../session";
import { useNow, type RoomStore } from "../store";
import { Icon } from "./icons";
import { PosterBand } from "./show_poster";

/** The one word for the state of the link. */
export function linkState(state: RoomState): "idle" | "connecting" | "online" | "reconnecting" | "refused" | "ended" | "draining" | "degraded" {
  if (state.connection.state !== "online") return state.connection.state;
  return state.draining ? "draining" : state.degraded_since_ms !== null ? "degraded" : "online";
}

export function ConnectionChip({ state }: { state: RoomState }): JSX.Element {
  const { t } = useLanguage();
  const link = linkState(state);
  const { connection } = state;
  const code = connection.state === "refused" ? connection.refusal.code : connection.state === "ended" ? connection.bye.code : "";
  const word = link === "draining" ? t("connection.reconnecting") : link === "degraded" ? t("connection.online") : t(`connection.${link}`);
  return (
    <span class={`chip link-${link}`} data-testid="state" data-value={link} data-code={code} role="status">
      <i class="chip-dot" />{word}
    </span>
  );
}

export function ConnectionBanner({ state }: { state: RoomState }): JSX.Element | null {
  const { t } = useLanguage();
  const now = useNow();
  const { connection } = state;
  if (connection.state === "reconnecting") {
    const seconds = connection.retry_at_ms === undefined ? null : Math.max(0, Math.ceil((connection.retry_at_ms - now) / 1000));
    return (
      <Banner tone="warn">
        {connection.code && isStale(connection.code) ? t("connection.renewing") : connection.code ? codeText(t, connection.code, "bye") : t("connection.reconnecting")}
        {seconds !== null && ` · ${t("connection.retry_in", { seconds })}`}
      </Banner>
    );
  }
  if (connection.state !== "online") return null;
  if (state.login.state === "ending") return <Banner tone="warn">{t("login.ending", { time: duration(state.login.expires_ms - now - state.offset_ms) })}</Banner>;
  if (state.draining) return <Banner tone="warn">{t("connection.draining")}</Banner>;
  if (state.degraded_since_ms !== null) return <Banner tone="warn">{t("connection.degraded")}</Banner>;
  return null;
}

function Banner({ tone, children }: { tone: string; children: ComponentChildren }): JSX.Element {
  return <div class={`banner ${tone}`} role="status" data-testid="banner"><Icon name="alert" size={16} />{children}</div>;
}

/** What had the focus went with the room, so the way back takes it; in a frame it might be taken from elsewhere. */
function focusOnce(button: HTMLButtonElement | null): void {
  if (button && window === window.top && document.activeElement === document.body) button.focus();
}

/** The card instead of the room: refused, or ended for good. The purchase sheet is `children`. */
export function ShutDoor({ title, state, store, children }: { title: string; state: RoomState; store: RoomStore<ViewerCommands> | RoomStore<ConsoleCommands>; children?: ComponentChildren }): JSX.Element | null {
  const { t } = useLanguage();
  const now = useNow();
  const { connection } = state;
  if (connection.state !== "refused" && connection.state !== "ended") return null;
  const code = connection.state === "refused" ? connection.refusal.code : connection.bye.code;
  const buying = code === "TICKET_REQUIRED" || code === "BALANCE_DUE";
  const retry_at_ms = connection.state === "refused" ? connection.retry_at_ms : undefined;
  const stale = isStale(code);
  const cause = connection.state === "refused" && typeof connection.refusal.cause === "string" ? connection.refusal.cause : null;
  const seat = code === "SEAT_TAKEN" ? (connection.state === "refused" ? "asked" : "gone") : null;
  const devices = connection.state === "refused" && typeof connection.refusal.devices === "number" ? connection.refusal.devices : 1;
  const hopeless = ["BANNED", "ROOM_ENDED", "ROOM_CANCELLED", "ROOM_NOT_FOUND"].includes(code);
  return (
    <div class="card door" role="alertdialog" aria-label={codeText(t, code, "bye")} data-testid="door" data-code={code}>
      <PosterBand title={title}>{title}</PosterBand>
      <span class="poster-icon"><Icon name={buying ? "ticket" : seat ? "users" : stale ? "lock" : code === "ROOM_ENDED" ? "heart" : "alert"} size={26} /></span>
      <h2>{buying ? t(code === "BALANCE_DUE" ? "door.balance" : "door.title") : seat ? t(seat === "gone" ? "seat.gone" : devices > 1 ? "seat.asked_many" : "seat.asked", { count: devices }) : codeText(t, code, "bye")}</h2>
      {seat && <p class="muted">{t(seat === "gone" ? "seat.gone_lead" : devices > 1 ? "seat.asked_many_lead" : "seat.asked_lead")}</p>}
      {buying && <p class="muted">{t(code === "BALANCE_DUE" ? "door.balance_lead" : "door.lead")}</p>}
      {stale && <p class="muted">{t("login.kept")}</p>}
      {stale && cause !== null && <p class="bad" role="alert">{t("login.failed", { why: codeText(t, cause) })}</p>}
      {!buying && !seat && <p class="muted"><code>{code}</code>{retry_at_ms !== undefined && ` · ${t("connection.retry_in", { seconds: Math.max(0, Math.ceil((retry_at_ms - now) / 1000)) })}`}</p>}
      {children}
      {buying && <p class="muted small">{t("door.waiting")}</p>}
      {seat && <button type="button" class="primary" data-testid="take-seat" ref={focusOnce} onClick={() => store.live.connect(true)}>{t(seat === "gone" ? "seat.back" : "seat.here")}</button>}
      {!buying && !hopeless && !seat && <button type="button" class="primary" data-testid={stale ? "log-in-again" : "connect-again"} ref={focusOnce} onClick={() => store.live.connect()}>{t(stale ? "login.again" : "connection.again")}</button>}
      {hopeless && <a class="button" data-testid="to-show" href="/" target="_top">{t("door.to_show")}</a>}
    </div>
  );
}
