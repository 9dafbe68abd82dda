/** Line icons drawn here, so that no font or network is needed. */
import type { ComponentChildren, JSX } from "preact";

type Name =
  | "ticket" | "lock" | "heart" | "chat" | "gift" | "mic" | "crown" | "rose" | "cheer" | "star" | "rocket" | "castle" | "pin"
  | "leave" | "users" | "clock" | "pulse" | "sliders" | "log" | "coin" | "flag" | "close" | "alert" | "megaphone" | "bullets" | "globe" | "check" | "door";

const SHAPES: Record<Name, ComponentChildren> = {
  ticket: <path d="M3 8a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v2a2 2 0 0 0 0 4v2a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-2a2 2 0 0 0 0-4zM14 6v2m0 3v2m0 3v2" />,
  lock: <path d="M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zm6 4v2" />,
  heart: <path d="M12 20s-7.5-4.6-9-9.3C2 7 4.4 4.5 7.2 4.5c2 0 3.7 1.1 4.8 3 1.1-1.900 2.800-3 4.800-3C19.600 4.500 22 7 21 10.700 19.500 15.400 12 20 12 20z" />,
  chat: <path d="M4 5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-8l-5 4v-4H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z" />,
  gift: <path d="M4 11h16v9H4zM3 7h18v4H3zm9 0v13M12 7S10.500 3 8.500 3a2 2 0 0 0 0 4zm0 0s1.500-4 3.500-4a2 2 0 0 1 0 4z" />,
  mic: <path d="M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0m-6 6v4m-3 0h6" />,
  crown: <path d="M3 8l4 4 5-7 5 7 4-4-2 10H5zM5 21h14" />,
  rose: <path d="M12 13c-3.300 0-5-2-5-4.500S9 3 12 3s5 3 5 5.500-1.700 4.500-5 4.500zm-2-5c1-1.500 3-1.500 4 0m-2 5v8m0-2c-2 0-4-1-4.500-3 2 0 4 1 4.500 3zm0-1c2 0 4-1 4.500-3-2 0-4 1-4.500 3z" />,
  cheer: <path d="M4 20l4-11 7 7zm10-12c0-2 1-4 3-4m-1 7c2-1 3-1 4 0M12 4l.5 2M19 7l1.500-1" />,
  star: <path d="M12 3l2.700 5.800 6.300.800-4.600 4.300 1.200 6.300L12 17.100l-5.600 3.100 1.200-6.300L3 9.600l6.300-.800z" />,
  rocket: <path d="M12 3c3 2.500 4.500 6 4 11l-2 2h-4l-2-2c-.500-5 1-8.500 4-11zm0 5.500v2M8 13l-3 3v3l3.500-2M16 13l3 3v3l-3.500-2M11 19l1 2.500 1-2.500" />,
  castle: <path d="M4 21V8h3v2h3V8h4v2h3V8h3v13zm6 0v-4a2 2 0 0 1 4 0v4M12 8V3l4 1.500L12 6" />,
  pin: <path d="M9 3h6l-1 6 3 3v2H7v-2l3-3zm3 11v7" />,
  users: <path d="M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zm-7 9c0-4 3-6 7-6s7 2 7 6M16 4.500a3.500 3.500 0 0 1 0 6.500m2 3.500c2.500.700 4 2.500 4 5.500" />,
  clock: <path d="M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zm0-14v5l3.500 2" />,
  pulse: <path d="M3 12h4l2.500-7 5 14 2.500-7h4" />,
  sliders: <path d="M4 7h9m4 0h3M4 17h3m4 0h9M15 4.500v5m-6 5v5" />,
  log: <path d="M6 3h12v18H6zm3 5h6m-6 4h6m-6 4h4" />,
  coin: <path d="M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 8l3 4 3-4m-3 4v5m-3-4h6" />,
  flag: <path d="M5 21V4h13l-3 4.500L18 13H5" />,
  close: <path d="M6 6l12 12M18 6L6 18" />,
  alert: <path d="M12 4l9 16H3zm0 6v4m0 3v.010" />,
  megaphone: <path d="M4 10v4h3l9 5V5L7 10zm15-1a4 4 0 0 1 0 6M8 14l1 6h2l-1-5" />,
  bullets: <path d="M3 7h10m3 0h2M7 12h14M3 17h6m3 0h7" />,
  globe: <path d="M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3 15 0 18-3-3-3-15 0-18z" />,
  leave: <path d="M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8m-3-8h10m-3.500-3.500L21 12l-3.500 3.500" />,
  door: <path d="M6 21V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v17M3 21h18M14 12v1.500" />,
  check: <path d="M5 12.500l4.500 4.500L19 7.500" />,
};

export function Icon({ name, size = 18, filled = false }: { name: string; size?: number; filled?: boolean }): JSX.Element {
  const shape = SHAPES[name as Name] ?? SHAPES.gift;
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill={filled ? "currentColor" : "none"} stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      {shape}
    </svg>
  );
}
