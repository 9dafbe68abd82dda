/** Who is silenced or sent out. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useLanguage } from "../i18n";
import { isOfStaff, sanctioned, type SaidLine } from "../state";
import { SmallButton } from "../ui/parts";
import type { ConsolePage, FanPage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "inbox.muted": "You were muted.",
    "inbox.unmuted": "You may speak again.",
    "console.mute": "Mute",
    "console.unmute": "Unmute",
    "console.kick": "Kick",
    "console.ban": "Ban",
    "console.unban": "Unban",
    "console.sanctions": "Muted or banned here",
  },
  {
    "inbox.muted": "你被禁言了。",
    "inbox.unmuted": "你可以发言了。",
    "console.mute": "禁言",
    "console.unmute": "解除禁言",
    "console.kick": "踢出",
    "console.ban": "封禁",
    "console.unban": "解封",
    "console.sanctions": "已禁言或封禁",
  },
);

function Sanctions({ line, act }: ConsolePage & { line: SaidLine }): JSX.Element | null {
  const { t } = useLanguage();
  const { user } = line.item;
  if (isOfStaff(line)) return null;
  return (
    <>
      <SmallButton run={() => act("mute", { user, minutes: 10 })}>{t("console.mute")}</SmallButton>
      <SmallButton run={() => act("kick", { user })}>{t("console.kick")}</SmallButton>
      <SmallButton run={() => act("ban", { user })} look="quiet danger-text">{t("console.ban")}</SmallButton>
    </>
  );
}

function Sanctioned({ state, act }: ConsolePage): JSX.Element | null {
  const { t } = useLanguage();
  const { muted, banned } = sanctioned(state.audit);
  if (muted.length === 0 && banned.length === 0) return null;
  return (
    <div class="sanctions">
      <span class="muted">{t("console.sanctions")}</span>
      {muted.map((user) => <SmallButton key={`m${user}`} run={() => act("unmute", { user })}><bdi>{user}</bdi> · {t("console.unmute")}</SmallButton>)}
      {banned.map((user) => <SmallButton key={`b${user}`} run={() => act("unban", { user })}><bdi>{user}</bdi> · {t("console.unban")}</SmallButton>)}
    </div>
  );
}

export function useFanPage({ state, notify }: FanPage): void {
  const { t } = useLanguage();
  const note = state.inbox.at(-1);
  useEffect(() => {
    if (note?.kind === "muted" || note?.kind === "unmuted") notify(t(`inbox.${note.kind}`), note.kind === "muted" ? "bad" : "good");
  }, [note?.id]);
}

export const console: Feature["console"] = { line: Sanctions, below_feed: Sanctioned };
