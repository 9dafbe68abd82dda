/** The poster of a show, drawn: an aurora over a stage and a crowd. The title decides its colours. */
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { posterOf } from "../front";
import { Crowd, Musician, Singer } from "./scene";

/** How many `.look-N` there are in intro.css. */
const LOOKS = 3;
const STARS = stars(80);
const CURTAINS = [
  "M0 400 C140 330 240 470 400 400 S690 230 850 330 S1090 440 1200 320 L1200 0 L0 0Z",
  "M0 300 C120 380 300 240 460 330 S760 470 900 380 S1120 250 1200 300 L1200 0 L0 0Z",
  "M0 480 C200 400 330 520 520 450 S820 330 960 420 S1130 500 1200 440 L1200 0 L0 0Z",
];
const BEAMS = [-31, -14, 14, 31];

/** Scattered, but the same at every look: a small congruential generator. */
function stars(count: number): { x: number; y: number; r: number }[] {
  let seed = 20_260;
  const next = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  return Array.from({ length: count }, () => ({ x: next(15_990) / 10, y: next(4_300) / 10, r: 0.5 + next(100) / 80 }));
}

/** `large` adds the stage; cards get the sky alone. */
export function ShowPoster({ title, large = false }: { title: string; large?: boolean }): JSX.Element {
  return (
    <div class={`show-poster look-${posterOf(title, LOOKS)}`} aria-hidden="true">
      <svg class="stars" viewBox="0 0 1600 460" preserveAspectRatio="xMidYMin slice" fill="#fff">
        {STARS.map(({ x, y, r }) => <circle key={`${x}/${y}`} cx={x} cy={y} r={r} opacity={0.15 + r / 3} />)}
      </svg>
      {CURTAINS.map((path, index) => <Curtain key={path} path={path} index={index} />)}
      <div class="rays" />
      {large && <Stage />}
      {large && <div class="floor" />}
      <svg class="crowd" viewBox="0 690 1600 210" preserveAspectRatio="xMidYMax slice"><Crowd /></svg>
    </div>
  );
}

function Curtain({ path, index }: { path: string; index: number }): JSX.Element {
  const id = useId();
  return (
    <svg class={`curtain curtain-${index}`} viewBox="0 0 1200 600" preserveAspectRatio="none">
      <defs>
        <linearGradient id={id} x1="0" y1="1" x2="0" y2="0">
          <stop offset="0" stop-color={`var(--curtain-${index})`} stop-opacity=".95" />
          <stop offset=".22" stop-color={`var(--curtain-${index})`} stop-opacity=".42" />
          <stop offset=".8" stop-color={`var(--curtain-${index})`} stop-opacity="0" />
        </linearGradient>
      </defs>
      <path d={path} fill={`url(#${id})`} />
    </svg>
  );
}

function Stage(): JSX.Element {
  return (
    <div class="gig">
      <div class="gig-beams">{BEAMS.map((angle) => <i key={angle} style={{ "--angle": `${angle}deg` }} />)}</div>
      <svg viewBox="330 300 940 412" preserveAspectRatio="xMidYMax meet">
        <defs>
          <radialGradient id="gig-glow"><stop offset="0" stop-color="var(--glow)" stop-opacity=".95" /><stop offset=".45" stop-color="var(--glow)" stop-opacity=".3" /><stop offset="1" stop-color="var(--glow)" stop-opacity="0" /></radialGradient>
        </defs>
        <ellipse cx="800" cy="560" rx="420" ry="250" fill="url(#gig-glow)" />
        <g fill="var(--ground)"><Musician x={500} /><Musician x={1100} mirrored /><Singer /></g>
      </svg>
    </div>
  );
}
