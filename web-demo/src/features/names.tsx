/** The official names of a show. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLanguage } from "../i18n";
import { steers } from "../state";
import { Panel } from "../ui/parts";
import type { ConsolePage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "console.names": "Official names",
    "console.names_placeholder": "No viewer may be called so",
    "console.names_add": "Keep",
    "console.names_empty": "None; the hosts' own names are kept in any case.",
    "console.names_remove": "Release",
  },
  {
    "console.names": "官方名称",
    "console.names_placeholder": "观众不能使用的名称",
    "console.names_add": "保留",
    "console.names_empty": "暂无；主播自己的名称始终受保护。",
    "console.names_remove": "释放",
  },
);

/** What viewers may not call themselves: a list of the show's own. */
function NamesPanel({ state, act }: ConsolePage): JSX.Element | null {
  const { t } = useLanguage();
  const [name, setName] = useState("");
  const names = state.names?.names ?? [];
  const add = async (event: Event) => {
    event.preventDefault();
    if (name.trim() && (await act("names:set", { names: [...names, name] }))) setName("");
  };
  if (!steers(state)) return null;
  return (
    <Panel title={t("console.names")} icon="users">
      <form class="inline" onSubmit={add}>
        <input data-testid="names-input" placeholder={t("console.names_placeholder")} aria-label={t("console.names_placeholder")} maxLength={960} dir="auto" value={name} onInput={(event) => setName(event.currentTarget.value)} />
        <button type="submit" data-testid="names-button">{t("console.names_add")}</button>
      </form>
      <ul class="rows" data-testid="names">
        {names.length === 0 && <li class="muted">{t("console.names_empty")}</li>}
        {names.map((one) => (
          <li key={one} class="row">
            <span class="row-who"><bdi class="name">{one}</bdi></span>
            <button type="button" class="quiet small" onClick={() => void act("names:set", { names: names.filter((other) => other !== one) })}>{t("console.names_remove")}</button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export const console: Feature["console"] = { right: NamesPanel };
