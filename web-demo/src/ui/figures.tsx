/** The people of the drawn stage, as silhouettes: who plays, and who came. One fill, `currentColor`, so that the light around decides. */
import type { JSX } from "preact";

/** Feet at the origin, about 330 high. */
export function Singer(): JSX.Element {
  return (
    <g fill="currentColor" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">
      <path stroke="none" d="M-34 -236 C-40 -206 -27 -176 -25 -152 C-34 -112 -50 -72 -70 -30 C-46 -22 -24 -26 -6 -40 C16 -26 40 -24 60 -34 C46 -74 34 -114 27 -152 C29 -178 41 -206 35 -236 C18 -246 -18 -246 -34 -236Z" />
      <path d="M-18 -60 L-26 -6 M20 -60 L32 -6" stroke-width="19" fill="none" />
      <path stroke="none" d="M-14 0 L-50 0 C-50 -11 -38 -13 -28 -16 L-14 -14Z M22 -14 L38 -16 C46 -12 60 -11 60 0 L22 0Z" />
      <path d="M-30 -226 L-58 -192 L-24 -238" stroke-width="16" fill="none" />
      <path d="M31 -226 L66 -258 L84 -318" stroke-width="16" fill="none" />
      <path d="M84 -320 L80 -338 M86 -320 L90 -338" stroke-width="6" fill="none" />
      <path d="M-27 -234 L-8 -262" stroke-width="7" fill="none" />
      <circle cx="-7" cy="-263" r="6.500" stroke="none" />
      <path stroke="none" d="M-8 -254 L12 -254 L14 -234 L-10 -234Z" />
      <ellipse stroke="none" cx="4" cy="-276" rx="18" ry="23" transform="rotate(12 4 -276)" />
      <path stroke="none" d="M-8 -296 C6 -310 30 -304 30 -278 C34 -252 50 -238 58 -206 C40 -214 24 -232 20 -258 C14 -276 4 -286 -8 -296Z" />
    </g>
  );
}

/** With a guitar; feet at the origin, about 300 high. */
export function Guitarist(): JSX.Element {
  return (
    <g fill="currentColor" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">
      <path d="M-14 -130 L-34 -68 L-40 -8 M16 -130 L34 -70 L44 -8" stroke-width="24" fill="none" />
      <path stroke="none" d="M-30 0 L-66 0 C-66 -11 -56 -13 -48 -15 L-30 -14Z M34 -14 L52 -15 C60 -12 72 -11 72 0 L34 0Z" />
      <path stroke="none" d="M-32 -224 C-38 -190 -28 -150 -28 -118 L30 -118 C30 -150 40 -190 34 -224 C18 -234 -16 -234 -32 -224Z" />
      <path d="M-30 -214 L-56 -172 L-22 -150 M32 -214 L66 -182 L104 -196" stroke-width="15" fill="none" />
      <path d="M-20 -146 L136 -212" stroke-width="8" fill="none" />
      <path stroke="none" d="M128 -218 L154 -228 L158 -214 L134 -204Z" />
      <path stroke="none" d="M-62 -140 C-70 -166 -42 -176 -26 -164 C-14 -156 -4 -170 10 -164 C20 -152 10 -136 -4 -128 C-10 -110 -22 -100 -38 -102 C-58 -106 -58 -122 -62 -140Z" />
      <path stroke="none" d="M-8 -244 L12 -244 L12 -222 L-8 -222Z" />
      <ellipse stroke="none" cx="4" cy="-262" rx="18" ry="22" transform="rotate(-10 4 -262)" />
      <path stroke="none" d="M-16 -262 C-20 -290 22 -298 26 -270 C28 -262 24 -262 22 -266 C10 -276 -2 -272 -8 -262 C-14 -244 -22 -234 -30 -230 C-24 -242 -18 -252 -16 -262Z" />
    </g>
  );
}

/** Behind the kit; the drums stand at the origin, about 190 high. */
export function Drummer(): JSX.Element {
  return (
    <g fill="currentColor" stroke="currentColor" stroke-linecap="round">
      <circle stroke="none" cx="0" cy="-44" r="44" />
      <path stroke="none" d="M-102 -62 L-56 -62 L-60 -14 L-98 -14Z M56 -62 L102 -62 L98 -14 L60 -14Z M-50 -104 L-6 -104 L-8 -74 L-48 -74Z M6 -104 L50 -104 L48 -74 L8 -74Z" />
      <path d="M-124 -128 L-66 -138 M66 -138 L124 -128 M-96 -132 L-106 0 M96 -132 L106 0" stroke-width="6" fill="none" />
      <path stroke="none" d="M-30 -160 C-18 -170 18 -170 30 -160 L26 -90 L-26 -90Z" />
      <path d="M-28 -154 L-54 -126 L-40 -106 M28 -154 L58 -140 L70 -178" stroke-width="13" fill="none" />
      <path d="M70 -178 L58 -214 M-40 -106 L-72 -118" stroke-width="5" fill="none" />
      <ellipse stroke="none" cx="0" cy="-186" rx="16" ry="20" />
    </g>
  );
}

const BUST = "M-58 90 C-58 28 -30 20 -14 12 L-13 -4 C-24 -13 -27 -28 -25 -42 C-23 -60 -11 -68 0 -68 C13 -68 24 -60 25 -42 C26 -26 22 -12 13 -4 L14 12 C30 20 58 28 58 90Z";
/** Over the bust: a bun, long hair, a cap, nothing. */
const HAIR = [
  "M-12 -66 C-16 -88 16 -88 12 -66Z",
  "M-26 -46 C-30 -78 30 -78 27 -44 C28 -20 28 -6 33 8 L12 10 L-12 10 L-33 8 C-28 -6 -27 -24 -26 -46Z",
  "M-27 -44 C-30 -80 28 -80 27 -46 L44 -42 C44 -38 34 -37 26 -38Z",
  "",
];
const ARM = "M26 78 C46 34 50 -24 46 -78 C45 -90 57 -92 60 -80 C68 -26 68 34 58 90Z";
const HORNS = "M46 -78 L43 -104 M58 -80 L63 -104";

interface Fan {
  x: number;
  y: number;
  size: number;
  kind: number;
  /** 0: hands down; 1: one up; 2: both; 3: holds up a phone. */
  hands: number;
}

/** Scattered, but the same at every look. */
function row(count: number, y: number, size: number, seed: number): Fan[] {
  const step = 1_720 / count;
  return Array.from({ length: count }, (_, index) => {
    const throwOf = (salt: number) => ((index + seed) * 7_919 + salt * 104_729) % 97;
    return {
      x: Math.round(-60 + index * step + (throwOf(1) / 97 - 0.5) * step * 0.5),
      y: Math.round(y + (throwOf(2) / 97 - 0.5) * 34),
      size: size * (0.88 + (throwOf(3) / 97) * 0.26),
      kind: throwOf(4) % HAIR.length,
      hands: [0, 1, 0, 3, 0, 2, 0, 0, 1][throwOf(5) % 9] ?? 0,
    };
  });
}

const BACK = row(30, 806, 0.62, 3);
const FRONT = row(19, 852, 0.98, 11);

function Person({ fan }: { fan: Fan }): JSX.Element {
  const { x, y, size, kind, hands } = fan;
  return (
    <g transform={`translate(${x} ${y}) scale(${size.toFixed(3)})`}>
      <path d={BUST} />
      {HAIR[kind] && <path d={HAIR[kind]} />}
      {hands > 0 && <path d={ARM} />}
      {hands === 2 && <path d={ARM} transform="scale(-1 1)" />}
      {hands === 1 && <path d={HORNS} stroke="currentColor" stroke-width="8" stroke-linecap="round" />}
      {hands === 3 && <g transform="translate(52 -96) rotate(8)"><rect x="-15" y="-27" width="30" height="50" rx="5" /><rect class="phone-light" x="-11" y="-23" width="22" height="42" rx="2" /></g>}
    </g>
  );
}

/** Along the lower edge of a picture 1600 by 900. */
export function Crowd(): JSX.Element {
  return (
    <g class="scene-crowd">
      <g class="crowd-back" fill="currentColor">{BACK.map((fan) => <Person key={fan.x} fan={fan} />)}</g>
      <g class="crowd-front" fill="currentColor">{FRONT.map((fan) => <Person key={fan.x} fan={fan} />)}</g>
    </g>
  );
}
