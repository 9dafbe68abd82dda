/** What is said, and the box to say it in, for fans. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { codeText, useLanguage } from "../../i18n";
import { barrier, type Interaction, type RoomState } from "../../state";
import { useNow } from "../../store";
import { barrierText } from "../../ui/barrier";
import { Icon } from "../../ui/icons";
import { Panel } from "../../ui/parts";
import type { FanPage } from "../feature";
import { EmptyChat, Line } from "./line";

export const SPEAK: Interaction = { permission: "danmaku", switch: "chat", isSpeech: true };
const COLORS = ["", "#ffd166", "#ff7aa8", "#7ae0ff", "#9dff8a"];
const NEAR_END_PX = 60;

export function Chat(page: FanPage): JSX.Element {
  const { t } = useLanguage();
  return (
    <Panel title={t("chat.title")} icon="chat" class="chat-panel">
      <Pins state={page.state} />
      <ChatList {...page} />
      <SayBox {...page} />
    </Panel>
  );
}

function Pins({ state }: { state: RoomState }): JSX.Element | null {
  if (!state.pins?.items.length) return null;
  return (
    <ul class="pins" data-testid="pins" tabIndex={0}>
      {state.pins.items.map((pin) => (
        <li key={pin.id}><Icon name={pin.kind === "announcement" ? "megaphone" : "pin"} size={15} /><span><bdi class="name">{pin.name}</bdi> <span dir="auto">{pin.text}</span></span></li>
      ))}
    </ul>
  );
}

function ChatList({ state, lines }: FanPage): JSX.Element {
  const { t } = useLanguage();
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (list.current && atEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [state.chat]);
  const reads = state.you?.permissions.includes("chat:read");
  return (
    <div
      class="chat-list" ref={list} role="log" aria-label={t("chat.title")} tabIndex={0} data-testid="chat"
      onScroll={(event) => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
      }}
    ><ol>
      {state.truncated && <li class="chat-note">{t("chat.truncated")}</li>}
      {state.chat.length === 0 && <EmptyChat text={t(reads ? "chat.empty" : state.admission ? "chat.queue" : state.you?.tier === "none" && state.room?.access === "ticketed" ? "chat.for_tickets" : "chat.closed")} />}
      {state.chat.map((line) => <li key={line.id} data-id={line.id}><Line line={line} lines={lines} state={state} /></li>)}
    </ol></div>
  );
}

function SayBox({ state, store }: FanPage): JSX.Element {
  const { t } = useLanguage();
  const [text, setText] = useState("");
  const [color, setColor] = useState("");
  const [note, setNote] = useState<string | null>(null);
  const [free_ms, setFree] = useState(0);
  useNow(); // draws the seconds of a wait
  const now = Date.now();
  const input = useRef<HTMLInputElement>(null);
  const why = barrier(state, SPEAK);
  const wait_ms = free_ms - now;
  const send = async (event: Event) => {
    event.preventDefault();
    if (!text.trim() || why || wait_ms > 0) return;
    const said = await store.live.call("danmaku", color ? { text, style: { color } } : { text });
    if (said.ok) {
      setText("");
      setNote(said.data.shed ? t("chat.shed") : null);
      setFree(Date.now() + (state.room?.switches.slow_ms ?? 0));
    } else {
      setNote(codeText(t, said.error.code));
      if (said.error.retry_after_ms) setFree(Date.now() + said.error.retry_after_ms);
    }
    input.current?.focus();
  };
  const hint = why ? barrierText(t, why, state, now + state.offset_ms) : wait_ms > 0 ? t("chat.slow", { seconds: Math.ceil(wait_ms / 1000) }) : note;
  return (
    <form class="say" onSubmit={send}>
      <p class={`say-hint${why ? " barred" : ""}`} role="status" data-testid="say-reason" data-value={why ?? ""}>{why && <Icon name="lock" size={13} />}{why === "ticket" ? <a href="#tickets">{hint}</a> : hint ?? ""}</p>
      <div class="say-row">
        <div class="swatches" role="radiogroup" aria-label={t("chat.color")}>
          {COLORS.map((one) => (
            <button type="button" key={one} role="radio" aria-checked={color === one} aria-label={one || "default"} class="swatch" style={{ "--swatch": one || "var(--text)" }} disabled={why !== null} onClick={() => setColor(one)} />
          ))}
        </div>
        <input ref={input} data-testid="say-input" aria-label={t("chat.placeholder")} placeholder={t("chat.placeholder")} value={text} dir="auto" maxLength={2400} disabled={why !== null} onInput={(event) => setText(event.currentTarget.value)} />
        <button type="submit" class="primary" data-testid="say-button" disabled={why !== null || wait_ms > 0}>{t("chat.send")}</button>
      </div>
    </form>
  );
}
