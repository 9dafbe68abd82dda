/** All words of a page, in English and Chinese: those of each module that it loads. */
export type Language = "en" | "zh";

export type Words<Key extends string> = Record<Language, Record<Key, string>>;

export const TEXTS: Record<Language, Record<string, string>> = { en: {}, zh: {} };

/** Adds these to what pages can say. Both languages must have the same keys, and no other module any of them. */
export function words<const Key extends string>(en: Record<Key, string>, zh: Record<NoInfer<Key>, string>): Words<Key> {
  Object.assign(TEXTS.en, en);
  Object.assign(TEXTS.zh, zh);
  return { en, zh };
}
