/** The picture: which stream the ticket is worth, right now. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { verifyGrant, type Product } from "../api";
import type { Grant, ViewerCommands } from "../contract.gen";
import { money } from "../format";
import { hasEnded, renewIn, RETRY_MS } from "../grants";
import { useLanguage } from "../i18n";
import { chosenStream, headCountdown, isShut, playable, type RoomState } from "../state";
import { useNow, type RoomStore } from "../store";
import { Icon } from "../ui/icons";
import { CountdownLine } from "../ui/parts";
import { Scene } from "../ui/scene";
import { ShowPoster } from "../ui/show_poster";
import type { FanPage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "player.main": "MAIN",
    "player.vip": "VIP",
    "player.none": "NO STREAM",
    "player.locked": "Your seat is waiting",
    "player.locked_lead": "A ticket opens the stream on this very page, the moment it is paid.",
    "player.foyer": "You are in the foyer",
    "player.foyer_lead": "You hold a {tier}. The stream opens when the show goes live.",
    "player.open_lead": "No ticket needed: the stream opens when the show goes live.",
    "player.lobby_lead": "Your deposit is paid. Pay the balance to open the stream.",
    "player.paused": "Back in a moment",
    "player.ended": "That was the show. Thank you!",
    "player.verifying": "checking the grant…",
    "player.verified": "grant verified, renews in {seconds} s",
    "player.invalid": "grant not accepted",
    "player.switch": "Stream",
    "player.includes": "VIP includes the VIP camera",
    "danmaku.hide": "Hide danmaku",
    "danmaku.show": "Show danmaku",
  },
  {
    "player.main": "MAIN",
    "player.vip": "VIP",
    "player.none": "无画面",
    "player.locked": "你的座位还空着",
    "player.locked_lead": "购票后画面会在本页立即打开，无需刷新。",
    "player.foyer": "你在前厅",
    "player.foyer_lead": "你持有{tier}，开播后画面自动打开。",
    "player.open_lead": "无需购票，开播后画面自动打开。",
    "player.lobby_lead": "定金已付，付清尾款即可观看。",
    "player.paused": "稍后回来",
    "player.ended": "演出结束，谢谢观看！",
    "player.verifying": "正在校验授权…",
    "player.verified": "授权有效，{seconds} 秒后续期",
    "player.invalid": "授权未被接受",
    "player.switch": "画面",
    "player.includes": "VIP 票含 VIP 机位",
    "danmaku.hide": "关闭弹幕",
    "danmaku.show": "打开弹幕",
  },
);

function Player(page: FanPage): JSX.Element {
  const { state, store, show: { title, products } } = page;
  // At a shut door the box office itself stands below.
  const offered = isShut(state) ? [] : products;
  const { t } = useLanguage();
  const [wish, setWish] = useState<string | null>(null);
  const [flying, setFlying] = useState(true);
  const grant = chosenStream(state, wish);
  const grants = playable(state);
  const paused = state.room?.phase === "paused";
  return (
    <div class="player" data-phase={state.room?.phase}>
      <div class="screen">
        {grant ? <Scene stream={grant.stream} resting={paused} /> : state.admission ? page.parts("queue", {}) : <Poster title={title} state={state} products={offered} />}
        {grant && paused && <div class="veil"><strong>{t("player.paused")}</strong></div>}
        {page.parts("overlay", { flying })}
        <div class="screen-top">
          <StreamLabel stream={grant?.stream ?? "none"} />
          {state.room?.phase === "live" && grant && <span class="live-dot">LIVE</span>}
        </div>
      </div>
      {grant && <div class="player-bar">
        <GrantLine key={grant.stream} grant={grant} store={store} offset_ms={state.offset_ms} />
        <div class="player-tools">
          {grants.length > 1 && (
            <div class="segmented" role="group" aria-label={t("player.switch")}>
              {grants.map((one) => (
                <button type="button" key={one.stream} data-testid={`stream-${one.stream}`} aria-pressed={one.stream === grant?.stream} onClick={() => setWish(one.stream)}>
                  {one.stream.toUpperCase()}
                </button>
              ))}
            </div>
          )}
          <button type="button" class="quiet" aria-pressed={flying} onClick={() => setFlying(!flying)} title={t(flying ? "danmaku.hide" : "danmaku.show")} aria-label={t(flying ? "danmaku.hide" : "danmaku.show")}>
            <Icon name="bullets" />
          </button>
        </div>
      </div>}
    </div>
  );
}

function StreamLabel({ stream }: { stream: string }): JSX.Element {
  const { t } = useLanguage();
  const text = stream === "main" || stream === "vip" || stream === "none" ? t(`player.${stream}`) : stream.toUpperCase();
  return (
    <span class={`stream-label stream-${stream}`} data-testid="stream" data-value={stream}>
      {stream === "none" ? <Icon name="lock" size={13} /> : stream === "vip" ? <Icon name="crown" size={13} /> : null}
      {text}
    </span>
  );
}

/** Opens the grant's playlist as a media player would, and asks for the next grant in time. */
function GrantLine({ grant, store, offset_ms }: { grant: Grant; store: RoomStore<ViewerCommands>; offset_ms: number }): JSX.Element {
  const { t } = useLanguage();
  const [verdict, setVerdict] = useState<"checking" | "verified" | "invalid">("checking");
  const now = useNow() + offset_ms;
  const planned_ms = useRef(0);
  const shown = hasEnded(grant, now) ? "invalid" : verdict;

  useEffect(() => {
    let gone = false;
    void verifyGrant(grant.url).then((good) => !gone && setVerdict(good ? "verified" : "invalid"));
    return () => {
      gone = true;
    };
  }, [grant.url]);

  // Planned anew when the offset moves: the first plan may have been made before the server's clock was known well.
  useEffect(() => {
    let gone = false;
    const server_now_ms = Date.now() + offset_ms;
    const wait_ms = renewIn(grant, server_now_ms);
    planned_ms.current = server_now_ms + wait_ms;
    let timer = setTimeout(renew, wait_ms);
    async function renew(): Promise<void> {
      const renewed = await store.live.call("streams:refresh", {});
      if (gone) return;
      if (renewed.ok) store.dispatch({ event: "streams", data: renewed.data });
      else timer = setTimeout(renew, RETRY_MS);
    }
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [grant.url, grant.expires_ms, offset_ms]);

  return (
    <span class={`grant ${shown}`} data-testid="grant" data-value={shown}>
      <Icon name={shown === "invalid" ? "alert" : "check"} size={15} />
      {t(`player.${shown === "checking" ? "verifying" : shown}`, { seconds: Math.max(0, Math.ceil((planned_ms.current - now) / 1000)) })}
    </span>
  );
}

function Poster({ title, state, products }: { title: string; state: RoomState; products: readonly Product[] }): JSX.Element {
  const { t, language } = useLanguage();
  const tier = state.you?.tier ?? "none";
  const phase = state.room?.phase;
  const over = phase === "ended" || phase === "cancelled";
  const holds = tier === "main" || tier === "vip" || state.room?.access === "open";
  const countdown = headCountdown(state);
  return (
    <div class="poster">
      <ShowPoster title={title} large centred />
      <div class="poster-text">
        <span class="poster-icon"><Icon name={holds ? "clock" : "lock"} size={26} /></span>
        <h2>{over ? t("player.ended") : holds ? t("player.foyer") : t("player.locked")}</h2>
        {!over && <p>{tier === "main" || tier === "vip" ? t("player.foyer_lead", { tier: t(`tier.${tier}`) }) : holds ? t("player.open_lead") : t(tier === "lobby" ? "player.lobby_lead" : "player.locked_lead")}</p>}
        {!holds && !over && products.length > 0 && (
          <ul class="poster-offer">
            {products.map((product) => (
              <li key={product.id}><a href="#tickets" class={`badge tier-${product.tier}`}><Icon name={product.tier === "vip" ? "crown" : "ticket"} size={14} /><bdi>{product.name}</bdi> · {money(product.price_minor, product.currency, language)}</a></li>
            ))}
          </ul>
        )}
        {countdown && !over && <CountdownLine countdown={countdown} offset_ms={state.offset_ms} />}
      </div>
    </div>
  );
}

export const fan: Feature["fan"] = { picture: Player };
