/** The stand-in for a real picture: a concert stage drawn in CSS and SVG, wide for `main`, close and golden for `vip`. */
import type { JSX } from "preact";

const BARS = [38, 62, 45, 80, 55, 92, 70, 48, 84, 60, 96, 52, 74, 88, 44, 66, 90, 50, 78, 58, 86, 42, 68, 54];
const BEAMS = [-34, -17, 0, 17, 34];

export function Scene({ stream, resting }: { stream: string; resting: boolean }): JSX.Element {
  return (
    <div class={`scene scene-${stream === "vip" ? "vip" : "main"}${resting ? " resting" : ""}`} aria-hidden="true">
      <div class="scene-wall">{BARS.map((height, index) => <i key={index} style={{ height: `${height}%`, animationDelay: `${-(index * 137) % 1100}ms` }} />)}</div>
      <div class="scene-beams">{BEAMS.map((angle, index) => <i key={angle} style={{ "--angle": `${angle}deg`, animationDelay: `${index * -1300}ms` }} />)}</div>
      <div class="scene-glow" />
      <svg class="scene-stage" viewBox="0 0 1600 900" preserveAspectRatio="xMidYMax slice">
        <defs>
          <linearGradient id="floor" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="var(--scene-floor)" /><stop offset="1" stop-color="#07050d" /></linearGradient>
          <radialGradient id="pool"><stop offset="0" stop-color="var(--scene-pool)" stop-opacity=".75" /><stop offset="1" stop-color="var(--scene-pool)" stop-opacity="0" /></radialGradient>
        </defs>
        <path d="M0 690 L1600 690 L1600 900 L0 900Z" fill="url(#floor)" />
        <path d="M0 690H1600" stroke="var(--scene-edge)" stroke-width="3" opacity=".8" />
        <ellipse cx="800" cy="715" rx="330" ry="46" fill="url(#pool)" />
        <g fill="#0a0712">
          <g class="scene-band"><Musician x={430} /><Musician x={1170} mirrored /></g>
          <g class="scene-singer"><Singer /></g>
        </g>
        <Crowd />
      </svg>
    </div>
  );
}

export function Singer(): JSX.Element {
  return (
    <g transform="translate(800 712)">
      <path d="M-58 0 C-40 -60 -44 -130 -36 -180 C-60 -176 -74 -150 -92 -112 L-108 -120 C-94 -176 -72 -214 -34 -222 L30 -224 C62 -228 78 -252 92 -292 L108 -286 C100 -238 82 -206 46 -186 C48 -130 56 -60 74 0 L26 0 L8 -96 L-10 0Z" />
      <circle cx="-2" cy="-258" r="31" />
      <path d="M-34 -262 C-38 -306 34 -306 32 -258 C42 -240 40 -222 34 -212 C30 -240 14 -276 -34 -262Z" />
      <path d="M96 -300 l10 -3 6 20 -10 3z" />
    </g>
  );
}

export function Musician({ x, mirrored = false }: { x: number; mirrored?: boolean }): JSX.Element {
  return (
    <g transform={`translate(${x} 708) scale(${mirrored ? -0.800 : 0.800} 0.800)`}>
      <path d="M-46 0 L-34 -120 C-40 -160 -34 -196 -6 -200 L22 -200 C46 -192 48 -160 42 -120 L58 0 L22 0 L6 -90 L-12 0Z" />
      <circle cx="8" cy="-232" r="28" />
      <path d="M-66 -92 C-84 -112 -60 -140 -34 -126 L110 -186 L116 -172 L-18 -106 C-18 -84 -48 -74 -66 -92Z" />
    </g>
  );
}

export function Crowd(): JSX.Element {
  const heads = Array.from({ length: 27 }, (_, index) => ({ x: index * 62 + (index % 2 ? 10 : -6), y: 872 - ((index * 29) % 34), hand: index % 4 === 1 }));
  return (
    <g class="scene-crowd" fill="#040308">
      {heads.map(({ x, y, hand }) => (
        <g key={x}>
          <circle cx={x} cy={y} r="27" />
          <path d={`M${x - 46} 930 C${x - 46} ${y + 26} ${x + 46} ${y + 26} ${x + 46} 930Z`} />
          {hand && <path d={`M${x + 24} ${y + 40} L${x + 44} ${y - 62} L${x + 58} ${y - 58} L${x + 46} ${y + 44}Z`} />}
        </g>
      ))}
    </g>
  );
}
