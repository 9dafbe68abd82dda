/** Gifts, likes and the leaderboard. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { GiftKind, ViewerCommands } from "../contract.gen";
import { codeText, useLanguage } from "../i18n";
import { barrier, type Interaction, type RoomState } from "../state";
import { newKey, useNow, type RoomStore } from "../store";
import { barrierText } from "./chat";
import { Icon } from "./icons";
import { Panel } from "./parts";

const GIVE: Interaction = { permission: "gift", switch: "gifts" };
const LIKE: Interaction = { permission: "like", switch: "likes" };
const LIKE_FLUSH_MS = 1_000;
const LIKES_AT_ONCE = 100;
const GIFT_TRIES = 3;

interface Props {
  state: RoomState;
  store: RoomStore<ViewerCommands>;
  notify: (text: string, tone?: "good" | "bad" | "plain") => void;
}

export function GiftBar({ state, store, notify }: Props): JSX.Element {
  const { t } = useLanguage();
  const now = useNow();
  const why = barrier(state, GIVE);
  const credits = state.wallet?.credits ?? 0;
  const poor = why === null && state.room !== null && state.room.gifts.length > 0 && state.room.gifts.every((gift) => gift.credits > credits);
  const give = async (gift: GiftKind) => {
    const key = newKey();
    for (let attempt = 1; ; attempt++) {
      const given = await store.live.call("gift", { gift: gift.id, count: 1, key });
      if (given.ok) return store.dispatch({ event: "wallet", data: given.data.wallet });
      // The same key never spends twice, so an unanswered gift may be sent again.
      if (given.error.code !== "TIMEOUT" || attempt === GIFT_TRIES) return notify(codeText(t, given.error.code), "bad");
    }
  };
  return (
    <div class="gift-bar">
      <div class="gift-head">
        <span class="wallet" data-testid="wallet" data-value={credits}><Icon name="coin" size={16} />{t("gifts.wallet", { credits })}</span>
        {why && <span class="muted barred"><Icon name="lock" size={13} />{barrierText(t, why, state, now + state.offset_ms)}</span>}
        {poor && <span class="muted barred" data-testid="gifts-poor">{t("gifts.poor")}</span>}
        <LikeButton state={state} store={store} />
      </div>
      <div class="gifts" role="group" aria-label={t("gifts.title")}>
        {state.room?.gifts.map((gift) => (
          <button type="button" key={gift.id} class="gift" data-testid={`gift-${gift.id}`} disabled={why !== null || credits < gift.credits} onClick={() => void give(gift)}>
            <Icon name={gift.id} size={24} />
            <span>{gift.name}</span>
            <small class="digits">{gift.credits}<span class="sr-only"> {t("gifts.unit")}</span></small>
          </button>
        ))}
      </div>
    </div>
  );
}

/** Clicks are counted here and sent once a second. */
function LikeButton({ state, store }: Omit<Props, "notify">): JSX.Element {
  const { t } = useLanguage();
  const waiting = useRef(0);
  const [extra, setExtra] = useState(0);
  const barred = barrier(state, LIKE) !== null;
  useEffect(() => {
    const timer = setInterval(async () => {
      const count = Math.min(waiting.current, LIKES_AT_ONCE);
      if (count === 0) return;
      waiting.current -= count;
      const liked = await store.live.call("like", { count });
      if (liked.ok) store.dispatch({ event: "like", data: liked.data });
      setExtra(waiting.current);
    }, LIKE_FLUSH_MS);
    return () => clearInterval(timer);
  }, [store]);
  const like = () => {
    waiting.current += 1;
    setExtra(waiting.current);
  };
  return (
    <button type="button" class="like" data-testid="like" disabled={barred} onClick={like}>
      <Icon name="heart" filled /><span class="sr-only">{t("like.button")} </span><span class="digits" data-testid="likes">{(state.like?.total ?? 0) + extra}</span>
    </button>
  );
}

export function LeaderboardPanel({ state }: { state: RoomState }): JSX.Element {
  const { t } = useLanguage();
  const items = state.leaderboard?.items ?? [];
  return (
    <Panel title={t("leaderboard.title")} icon="crown" class="leaderboard">
      {items.length === 0 && <p class="muted">{t("leaderboard.empty")}</p>}
      <ol data-testid="leaderboard">
        {items.slice(0, 10).map((item, index) => (
          <li key={item.user}><span class="place digits">{index + 1}</span><bdi class="who">{item.name}</bdi><span class="digits">{item.credits}</span></li>
        ))}
      </ol>
    </Panel>
  );
}
