/** The language of the pages, and what a key reads as in it. Features bring words of their own (`texts` of each). */
import { useEffect, useState } from "preact/hooks";
import type { FeatureKey } from "./features/registry";
import type { texts as codes } from "./texts/codes";
import type { texts as common } from "./texts/common";
import type { texts as intro } from "./texts/intro";
import type { texts as pages } from "./texts/pages";
import { TEXTS, type Language } from "./texts/words";
import "./texts/codes";
import "./texts/common";

export type { Language };
export type TextKey = FeatureKey | keyof typeof codes.en | keyof typeof common.en | keyof typeof intro.en | keyof typeof pages.en;

const STORED = "liveroom.language";
const listeners = new Set<() => void>();
let current: Language = initial();

function initial(): Language {
  if (typeof window === "undefined") return "en";
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(STORED) ?? navigator.language;
  return asked.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export type Translate = (key: TextKey, values?: Record<string, string | number>) => string;

export function translate(language: Language, key: TextKey, values: Record<string, string | number> = {}): string {
  return (TEXTS[language][key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of a code, or the code itself where this page does not know it yet. A `bye` reads differently from a refusal. */
export function codeText(t: Translate, code: string, family: "code" | "bye" = "code"): string {
  const other = family === "code" ? "bye" : "code";
  const key = [`${family}.${code}`, `${other}.${code}`].find((one) => one in TEXTS.en);
  return key ? t(key as TextKey) : code;
}

export function useLanguage(): { language: Language; t: Translate; toggle: () => void } {
  const [language, setLanguage] = useState(current);
  useEffect(() => {
    const listen = () => setLanguage(current);
    listeners.add(listen);
    return () => void listeners.delete(listen);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const toggle = () => {
    current = current === "en" ? "zh" : "en";
    localStorage.setItem(STORED, current);
    for (const listen of listeners) listen();
  };
  return { language, t: (key, values) => translate(language, key, values), toggle };
}
