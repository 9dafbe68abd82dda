/** A line of the chat, whatever feature it is of. */
import type { JSX } from "preact";
import type { DanmakuItem } from "../../contract.gen";
import { useLanguage, type Translate } from "../../i18n";
import type { ChatLine, RoomState, SaidLine } from "../../state";
import { Icon } from "../../ui/icons";
import type { Flight, LineLook, Lines } from "../feature";

export function Line({ line, lines, state }: { line: ChatLine; lines: Lines; state: RoomState }): JSX.Element | null {
  const { t } = useLanguage();
  if (line.kind === "gap") return <div class="chat-note" data-testid="chat-gap">{t(line.all ? "chat.gap" : "chat.gap_danmaku")}</div>;
  return lookOf(lines, line)?.look(line.item, t, state) ?? null;
}

/** How it flies over the picture; null: not at all. */
export function flightOf(line: SaidLine, lines: Lines, state: RoomState, t: Translate): Flight | null {
  return lookOf(lines, line)?.flies?.(line.item, t, state) ?? null;
}

function lookOf(lines: Lines, line: SaidLine): LineLook<SaidLine["item"]> | undefined {
  return lines[line.kind] as LineLook<SaidLine["item"]> | undefined;
}

export const SAID: LineLook<DanmakuItem> = {
  look: (item, t) => (
    <div class={`line tier-${item.tier}`}>
      <bdi class="name line-name">{item.name}</bdi>
      {item.tier === "vip" && <span class="tag vip">VIP</span>}
      {item.role && item.role !== "viewer" && <span class="tag staff">{t(`role.${item.role}`)}</span>}
      <span class="line-text" dir="auto" style={item.style?.color ? { "--said": item.style.color } : undefined}>{item.text}</span>
    </div>
  ),
  flies: (item) => ({ text: item.text, class: `tier-${item.tier} role-${item.role ?? "viewer"}`, color: item.style?.color, place: item.style?.place }),
};

/** Where nothing is said: why. */
export function EmptyChat({ text }: { text: string }): JSX.Element {
  return <li class="chat-empty"><Icon name="chat" size={26} />{text}</li>;
}
