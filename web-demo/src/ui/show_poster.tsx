/** The poster of a show, drawn: an aurora over a stage and a crowd. The title decides its colours. */
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import { posterOf } from "../front";
import "../styles/poster.css";
import { Crowd, Drummer, Guitarist, Singer } from "./figures";

/** How many `.look-N` there are in poster.css. */
const LOOKS = 3;
const STARS = stars(80);
const CURTAINS = [
  "M0 400 C140 330 240 470 400 400 S690 230 850 330 S1090 440 1200 320 L1200 0 L0 0Z",
  "M0 300 C120 380 300 240 460 330 S760 470 900 380 S1120 250 1200 300 L1200 0 L0 0Z",
  "M0 480 C200 400 330 520 520 450 S820 330 960 420 S1130 500 1200 440 L1200 0 L0 0Z",
];
/** Where the lamps hang, and how far to the side their light falls. */
const LAMPS = [
  { x: 140, lean: 150 }, { x: 300, lean: -170 }, { x: 450, lean: 110 }, { x: 600, lean: 0 },
  { x: 750, lean: -110 }, { x: 900, lean: 170 }, { x: 1060, lean: -150 },
];

/** Scattered, but the same at every look: a small congruential generator. */
function stars(count: number): { x: number; y: number; r: number }[] {
  let seed = 20_260;
  const next = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  return Array.from({ length: count }, () => ({ x: next(15_990) / 10, y: next(4_300) / 10, r: 0.5 + next(100) / 80 }));
}

/** `large` adds the stage, at the right or `centred`; cards get the sky alone. */
export function ShowPoster({ title, large = false, centred = false }: { title: string; large?: boolean; centred?: boolean }): JSX.Element {
  return (
    <div class={`show-poster look-${posterOf(title, LOOKS)}${centred ? " centred" : ""}`} aria-hidden="true">
      <svg class="stars" viewBox="0 0 1600 460" preserveAspectRatio="xMidYMin slice" fill="#fff">
        {STARS.map(({ x, y, r }) => <circle key={`${x}/${y}`} cx={x} cy={y} r={r} opacity={0.15 + r / 3} />)}
      </svg>
      {CURTAINS.map((path, index) => <Curtain key={path} path={path} index={index} />)}
      <div class="rays" />
      {large && <Stage />}
      {large && <div class="floor" />}
      <svg class="crowd" viewBox="0 700 1600 200" preserveAspectRatio="xMidYMax slice"><Crowd /></svg>
    </div>
  );
}

/** The poster as the head of a card. */
export function PosterBand({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return <div class="poster-band"><ShowPoster title={title} large centred />{children && <div class="poster-band-text">{children}</div>}</div>;
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

/** A ring of light behind the band, lamps on a truss above it. */
function Stage(): JSX.Element {
  return (
    <svg class="gig" viewBox="0 0 1200 620" preserveAspectRatio="xMidYMax meet">
      <defs>
        <radialGradient id="gig-glow"><stop offset="0" stop-color="var(--glow)" stop-opacity=".9" /><stop offset=".4" stop-color="var(--glow)" stop-opacity=".28" /><stop offset="1" stop-color="var(--glow)" stop-opacity="0" /></radialGradient>
        <linearGradient id="gig-beam" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="var(--glow)" stop-opacity=".5" /><stop offset=".75" stop-color="var(--glow)" stop-opacity=".06" /><stop offset="1" stop-color="var(--glow)" stop-opacity="0" /></linearGradient>
        <filter id="gig-soft" x="-30%" y="-30%" width="160%" height="160%"><feGaussianBlur stdDeviation="13" /></filter>
        <clipPath id="gig-above"><path d="M0 0H1200V618H0Z" /></clipPath>
      </defs>
      <g class="gig-lights">{LAMPS.map(({ x, lean }) => <path key={x} d={`M${x - 5} 44 L${x + 5} 44 L${x + lean + 96} 618 L${x + lean - 96} 618Z`} fill="url(#gig-beam)" />)}</g>
      <ellipse cx="600" cy="430" rx="520" ry="330" fill="url(#gig-glow)" />
      <g clip-path="url(#gig-above)" fill="none" stroke="var(--glow)">
        <circle cx="600" cy="400" r="252" stroke-width="26" opacity=".55" filter="url(#gig-soft)" />
        <circle cx="600" cy="400" r="252" stroke-width="7" stroke="#fff" opacity=".92" />
        <circle cx="600" cy="400" r="228" stroke-width="2" opacity=".55" />
      </g>
      <g class="gig-truss" stroke="#05040b" stroke-width="4" fill="none">
        <path d="M60 22H1140M60 44H1140M180 22V-400M1020 22V-400" /><path d={Array.from({ length: 45 }, (_, index) => `M${60 + index * 24} ${index % 2 ? 22 : 44}L${84 + index * 24} ${index % 2 ? 44 : 22}`).join("")} stroke-width="2.500" />
        {LAMPS.map(({ x }) => <g key={x} stroke="none"><rect x={x - 13} y="40" width="26" height="20" rx="4" fill="#05040b" /><ellipse cx={x} cy="60" rx="10" ry="4" fill="#fff" /></g>)}
      </g>
      <g class="gig-band" style={{ color: "var(--ground)" }}>
        <path d="M430 618 L452 574 H748 L770 618Z" fill="currentColor" />
        <g transform="translate(600 576) scale(.8)"><Drummer /></g>
        <g transform="translate(318 620) scale(.88)"><Guitarist /></g>
        <g transform="translate(882 620) scale(-.88 .88)"><Guitarist /></g>
        <g transform="translate(600 620) scale(1.180)"><Singer /></g>
      </g>
    </svg>
  );
}
