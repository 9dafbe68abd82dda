/** The player area: which stream the ticket is worth, right now. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { verifyGrant, type Product } from "../api";
import type { Grant, ViewerCommands } from "../contract.gen";
import { money } from "../format";
import { hasEnded, renewIn, RETRY_MS } from "../grants";
import { useLanguage } from "../i18n";
import { chosenStream, headCountdown, playable, type RoomState } from "../state";
import { useNow, type RoomStore } from "../store";
import { DanmakuLayer } from "./danmaku_layer";
import { Queue } from "./queue";
import { Icon } from "./icons";
import { CountdownLine } from "./parts";
import { Scene } from "./scene";
import { ShowPoster } from "./show_poster";

export function Player({ title, state, store, products }: { title: string; state: RoomState; store: RoomStore<ViewerCommands>; products: readonly Product[] }): JSX.Element {
  const { t } = useLanguage();
  const [wish, setWish] = useState<string | null>(null);
  const [flying, setFlying] = useState(true);
  const grant = chosenStream(state, wish);
  const grants = playable(state);
  const paused = state.room?.phase === "paused";
  const giftName = (id: string) => state.room?.gifts.find((gift) => gift.id === id)?.name ?? id;
  return (
    <div class="player" data-phase={state.room?.phase}>
      <div class="screen">
        {grant ? <Scene stream={grant.stream} resting={paused} /> : state.admission ? <Queue title={title} admission={state.admission} tier={state.you?.tier ?? "none"} /> : <Poster title={title} state={state} products={products} />}
        {grant && paused && <div class="veil"><strong>{t("player.paused")}</strong></div>}
        {flying && <DanmakuLayer chat={state.chat} giftName={giftName} sent={(gift, count) => t("chat.sent_gift", { gift, count })} />}
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
