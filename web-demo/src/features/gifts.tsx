/** Gifts, likes and the leaderboard. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { GiftKind } from "../contract.gen";
import { codeText, useLanguage } from "../i18n";
import { barrier, type Interaction, type RoomState } from "../state";
import { newKey } from "../store";
import { BarrierLine } from "../ui/barrier";
import { Icon } from "../ui/icons";
import { NumberTile, Panel } from "../ui/parts";
import type { ConsolePage, FanPage, Feature, Lines } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "gifts.poor": "Your credits do not reach for a gift. Tickets come with some.",
    "gifts.sent": "sent {gift} × {count}",
    "gifts.title": "Gifts",
    "gifts.wallet": "{credits} credits",
    "gifts.unit": "credits",
    "like.button": "Like",
    "leaderboard.title": "Most generous",
    "leaderboard.empty": "No gifts yet.",
    "switch.gifts": "Gifts",
    "console.likes": "Likes",
    "switch.likes": "Likes",
  },
  {
    "gifts.poor": "点数不够送礼物，购票会附赠点数。",
    "gifts.sent": "送出 {gift} × {count}",
    "gifts.title": "礼物",
    "gifts.wallet": "{credits} 点",
    "gifts.unit": "点",
    "like.button": "点赞",
    "leaderboard.title": "贡献榜",
    "leaderboard.empty": "还没有礼物。",
    "switch.gifts": "礼物",
    "console.likes": "点赞",
    "switch.likes": "点赞",
  },
);

const GIVE: Interaction = { permission: "gift", switch: "gifts" };
const LIKE: Interaction = { permission: "like", switch: "likes" };
const LIKE_FLUSH_MS = 1_000;
const LIKES_AT_ONCE = 100;
const GIFT_TRIES = 3;

function GiftBar({ state, store, notify }: FanPage): JSX.Element {
  const { t } = useLanguage();
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
        {why && <BarrierLine why={why} state={state} />}
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
function LikeButton({ state, store }: Pick<FanPage, "state" | "store">): JSX.Element {
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

function LeaderboardPanel({ state, embedded }: FanPage): JSX.Element | null {
  const { t } = useLanguage();
  const items = state.leaderboard?.items ?? [];
  if (embedded) return null;
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

function Likes({ state }: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  return <NumberTile label={t("console.likes")} testid="likes">{state.like?.total ?? 0}</NumberTile>;
}

function nameOf(state: RoomState, id: string): string {
  return state.room?.gifts.find((gift) => gift.id === id)?.name ?? id;
}

export const lines: Lines = {
  gift: {
    look: ({ name, gift, count }, t, state) => (
      <div class="line gift">
        <Icon name={gift} size={16} />
        <bdi class="name">{name}</bdi> {t("gifts.sent", { gift: nameOf(state, gift), count })}
      </div>
    ),
    flies: ({ name, gift, count }, t, state) => ({ text: `\u2068${name}\u2069 ${t("gifts.sent", { gift: nameOf(state, gift), count })}`, class: "gift" }),
  },
};

export const fan: Feature["fan"] = { main: GiftBar, foot: LeaderboardPanel };
export const console: Feature["console"] = { numbers: Likes };
