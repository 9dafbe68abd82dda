/** The stand-in for a real picture: a concert stage drawn in CSS and SVG, wide for `main`, close and golden for `vip`. */
import type { JSX } from "preact";
import { Crowd, Drummer, Guitarist, Singer } from "./figures";

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
        <g style={{ color: "#0a0712" }}>
          <g class="scene-band">
            <g transform="translate(800 690) scale(.92)"><Drummer /></g>
            <g transform="translate(430 708) scale(.86)"><Guitarist /></g>
            <g transform="translate(1170 708) scale(-.86 .86)"><Guitarist /></g>
          </g>
          <g class="scene-singer"><g transform="translate(800 724) scale(1.060)"><Singer /></g></g>
        </g>
        <Crowd />
      </svg>
    </div>
  );
}
