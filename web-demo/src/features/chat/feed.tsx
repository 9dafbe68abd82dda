/** The chat as staff see it, and what is pinned on top. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { timeOfDay } from "../../format";
import { useLanguage } from "../../i18n";
import { steers, type SaidLine } from "../../state";
import { Icon } from "../../ui/icons";
import { Panel, SmallButton } from "../../ui/parts";
import type { ConsolePage } from "../feature";
import { EmptyChat, Line } from "./line";

export function Feed(page: ConsolePage): JSX.Element {
  const { state, act, lines } = page;
  const { t } = useLanguage();
  const [text, setText] = useState("");
  const say = async (event: Event) => {
    event.preventDefault();
    if (text.trim() && (await act("danmaku", { text }))) setText("");
  };
  return (
    <Panel title={t("console.feed")} icon="chat" class="feed" aside={<span class="muted digits">{t("online", { count: state.presence?.online ?? 0 })}</span>}>
      <div class="chat-list" role="log" data-testid="chat" tabIndex={0}><ol>
        {state.chat.length === 0 && <EmptyChat text={t("console.feed_empty")} />}
        {[...state.chat].reverse().map((line) => line.kind === "gap"
          ? <li key={line.id} class="feed-line"><Line line={line} lines={lines} state={state} /></li>
          : <FeedLine key={line.id} {...page} line={line} />)}
      </ol></div>
      <form class="say-row" onSubmit={say}>
        <input data-testid="say-input" aria-label={t("chat.placeholder")} placeholder={t("chat.placeholder")} value={text} dir="auto" maxLength={2400} onInput={(event) => setText(event.currentTarget.value)} />
        <button type="submit" class="primary" data-testid="say-button">{t("chat.send")}</button>
      </form>
      {page.parts("below_feed", {})}
    </Panel>
  );
}

function FeedLine({ line, ...page }: ConsolePage & { line: SaidLine }): JSX.Element {
  const { language } = useLanguage();
  return (
    <li class="feed-line" data-id={line.id}>
      <time class="muted digits">{timeOfDay(line.item.at_ms, language)}</time>
      <Line line={line} lines={page.lines} state={page.state} />
      <span class="feed-actions">{page.parts("line", { line })}</span>
    </li>
  );
}

/** What staff do with what was said. */
export function OfDanmaku({ line, act }: ConsolePage & { line: SaidLine }): JSX.Element | null {
  const { t } = useLanguage();
  if (line.kind !== "danmaku") return null;
  return (
    <>
      <SmallButton run={() => act("pin", { id: line.id })}>{t("console.pin")}</SmallButton>
      <SmallButton run={() => act("retract", { id: line.id })}>{t("console.retract")}</SmallButton>
    </>
  );
}

export function PinPanel({ state, store, act }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  const [text, setText] = useState("");
  const announce = async (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    const pins = await act("announce", { text });
    if (!pins) return;
    store.dispatch({ event: "pins", data: pins });
    setText("");
  };
  return (
    <Panel title={t("console.pins")} icon="megaphone">
      {steers(state) && (
        <form class="inline" onSubmit={announce}>
          <input data-testid="announce-input" placeholder={t("console.announce_placeholder")} aria-label={t("console.announce")} maxLength={7200} dir="auto" value={text} onInput={(event) => setText(event.currentTarget.value)} />
          <button type="submit" data-testid="announce-button">{t("console.announce")}</button>
        </form>
      )}
      <ul class="rows" data-testid="pins">
        {!state.pins?.items.length && <li class="muted">{t("console.pins_empty")}</li>}
        {state.pins?.items.map((pin) => (
          <li key={pin.id} class="row">
            <span class="row-who"><Icon name={pin.kind === "announcement" ? "megaphone" : "pin"} size={15} /><span dir="auto">{pin.text}</span></span>
            <button type="button" class="quiet small" onClick={() => void act("unpin", { id: pin.id })}>{t("console.unpin")}</button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
