/// <reference types="vite/types/importMeta.d.ts" />
/** How the pages are put together: features stand beside each other, and every page has the words that it says. */
import { describe, expect, it } from "vitest";
import { TEXTS, type Words } from "../src/texts/words";

const SOURCES: Record<string, string> = Object.fromEntries(
  Object.entries(import.meta.glob("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true })).map(([path, text]) => [path.replace("../src/", ""), text as string]),
);

/** What a module loads when it runs: not what it takes types from. */
function loads(path: string): string[] {
  const folder = path.split("/").slice(0, -1);
  const named = [...(SOURCES[path] ?? "").matchAll(/^(?:import|export) (?!type )[^;]*?"(\.[^"]+)";/gm)].map(([, name]) => name ?? "");
  return named.flatMap((name) => {
    const parts = [...folder];
    for (const part of name.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== ".") parts.push(part);
    }
    const base = parts.join("/");
    return [base, `${base}.ts`, `${base}.tsx`, `${base}/index.ts`, `${base}/index.tsx`].filter((one) => one in SOURCES).slice(0, 1);
  });
}

function reach(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const next of loads(path)) reach(next, found);
  return found;
}

const COMMON_OF_FEATURES = ["feature.ts", "registry.ts", "parts.tsx"];
const featureOf = (path: string) => /^features\/(\w+)/.exec(path)?.[1];

describe("features", () => {
  const modules = Object.keys(SOURCES).filter((path) => path.startsWith("features/") && !COMMON_OF_FEATURES.includes(path.slice("features/".length)));

  it.each(modules)("%s knows no other feature", (path) => {
    const others = loads(path).filter((one) => one.startsWith("features/") && featureOf(one) !== featureOf(path) && one !== "features/feature.ts");
    expect(others).toEqual([]);
  });

  it("are known by name to pages and the registry alone", () => {
    const knowing = Object.keys(SOURCES).filter((path) => path !== "features/registry.ts" && loads(path).some((one) => modules.includes(one) && featureOf(one) !== featureOf(path)));
    expect(knowing.sort()).toEqual(["fan.tsx", "split.tsx"]);
  });
});

it("has no module above 400 lines and no folder of more than 20", () => {
  const long = Object.entries(SOURCES).filter(([path, source]) => source.split("\n").length > 401 && path !== "contract.gen.ts");
  expect(long.map(([path]) => path)).toEqual([]);
  const folders = Object.keys(SOURCES).map((path) => path.split("/").slice(0, -1).join("/"));
  expect(folders.filter((folder, index) => folders.slice(0, index).filter((one) => one === folder).length >= 20)).toEqual([]);
});

const KEYS = Object.keys(TEXTS.en);
/** In which module a text stands. */
const HOMES = new Map(
  Object.entries(import.meta.glob<{ texts?: Words<string> }>("../src/{features,texts}/**/*.{ts,tsx}", { eager: true })).flatMap(([path, { texts }]) =>
    Object.keys(texts?.en ?? {}).map((key) => [key, path.replace("../src/", "")] as const),
  ),
);

/** The texts that modules name, whole or by how they begin: t(`phase.${phase}`). */
function named(modules: readonly string[]): string[] {
  const source = modules.map((path) => SOURCES[path]).join("\n");
  const whole = new Set([...source.matchAll(/["'`]([\w.]+)["'`](?!: )/g)].map(([, key]) => key));
  const begun = [...new Set([...source.matchAll(/`([a-z_]+(?:\.[a-z_]+)*\.)\$\{/g)].map(([, start]) => start ?? ""))];
  return KEYS.filter((key) => whole.has(key) || begun.some((start) => key.startsWith(start) && !key.slice(start.length).includes(".")));
}

it.each(["intro.tsx", "fan.tsx", "console.tsx", "split.tsx"])("%s loads the words of every text that its modules name", (page) => {
  const modules = [...reach(page)];
  expect(named(modules).length).toBeGreaterThan(50);
  expect(named(modules).filter((key) => !modules.includes(HOMES.get(key) ?? ""))).toEqual([]);
});

it("says everything that it has words for", () => {
  const said = named(Object.keys(SOURCES));
  expect(KEYS.filter((key) => !said.includes(key) && !/^(code|bye)\./.test(key))).toEqual([]);
});
