/** Danmaku flying over the picture. Text enters the page through `textContent` alone. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLanguage } from "../../i18n";
import { useReducedMotion } from "../../store";
import type { FanPage, Flight } from "../feature";
import { emptyLanes, takeLane, type Lane } from "./lanes";
import { flightOf } from "./line";

const MAX_NODES = 60;
const CROSSING_MS = 8_000;
const STANDING_MS = 4_000;
const LANE_PX = 34;
const COLOR = /^#[0-9a-fA-F]{6}$/;

export function Overlay({ flying, ...page }: FanPage & { flying: boolean }): JSX.Element | null {
  return flying ? <DanmakuLayer {...page} /> : null;
}

function DanmakuLayer({ state, lines }: FanPage): JSX.Element {
  const { t } = useLanguage();
  const { chat } = state;
  const layer = useRef<HTMLDivElement>(null);
  const lanes = useRef<Lane[]>([]);
  const lastSeq = useRef(chat.at(-1)?.seq ?? 0);
  const still = useReducedMotion();

  useEffect(() => {
    const element = layer.current;
    if (!element) return;
    const held = new Set(chat.map((line) => line.id));
    for (const node of [...element.children] as HTMLElement[]) if (!held.has(node.dataset.id ?? "")) node.remove();
    for (const line of chat) {
      if (line.seq <= lastSeq.current) continue;
      lastSeq.current = line.seq;
      if (!line.fresh || line.kind === "gap" || element.childElementCount >= MAX_NODES) continue;
      const flight = flightOf(line, lines, state, t);
      if (flight) fly(element, lanes, line.id, flight, still);
    }
  }, [chat, still]);

  return <div class="danmaku-layer" ref={layer} aria-hidden="true" data-testid="danmaku-layer" />;
}

function fly(layer: HTMLElement, lanes: { current: Lane[] }, id: string, flight: Flight, still: boolean): void {
  const count = Math.max(2, Math.min(12, Math.floor((layer.clientHeight * 0.7) / LANE_PX)));
  if (lanes.current.length !== count) lanes.current = emptyLanes(count);
  const node = document.createElement("span");
  node.dir = "auto";
  node.textContent = flight.text;
  node.dataset.id = id;
  node.className = `bullet ${flight.class}`;
  if (flight.color && COLOR.test(flight.color)) node.style.color = flight.color;
  layer.append(node);

  const standing = still || flight.place === "top" || flight.place === "bottom";
  if (standing) return stand(node, lanes.current, flight.place === "bottom");

  const width = node.offsetWidth;
  const screen = layer.clientWidth;
  const lane = takeLane(lanes.current, performance.now(), width, screen, CROSSING_MS);
  if (lane < 0) return node.remove();
  node.style.top = `${lane * LANE_PX + 8}px`;
  const crossing = node.animate([{ transform: `translateX(${screen}px)` }, { transform: `translateX(${-width}px)` }], { duration: CROSSING_MS, fill: "both" });
  crossing.onfinish = () => node.remove();
}

function stand(node: HTMLElement, lanes: Lane[], below: boolean): void {
  const now = performance.now();
  const index = lanes.findIndex((lane) => lane.exit_ms <= now);
  const lane = lanes[index];
  if (!lane) return node.remove();
  lane.entry_free_ms = lane.exit_ms = now + STANDING_MS;
  node.classList.add("standing");
  node.style[below ? "bottom" : "top"] = `${index * LANE_PX + 8}px`;
  setTimeout(() => node.remove(), STANDING_MS);
}
