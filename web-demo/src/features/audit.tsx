/** What the staff did. */
import type { JSX } from "preact";
import { timeOfDay } from "../format";
import { useLanguage } from "../i18n";
import { Panel } from "../ui/parts";
import type { ConsolePage, Feature } from "./feature";
import { words } from "../texts/words";

export const texts = words(
  {
    "console.audit": "Audit log",
    "console.audit_empty": "Nothing done yet.",
  },
  {
    "console.audit": "操作记录",
    "console.audit_empty": "还没有操作。",
  },
);

const SHOWN = 40;

function AuditPanel({ state }: ConsolePage): JSX.Element {
  const { t, language } = useLanguage();
  return (
    <Panel title={t("console.audit")} icon="log" class="audit">
      <ul class="rows" data-testid="audit" tabIndex={0}>
        {state.audit.length === 0 && <li class="muted">{t("console.audit_empty")}</li>}
        {state.audit.slice(-SHOWN).reverse().map((item) => (
          <li key={item.id}><time class="muted digits">{timeOfDay(item.at_ms, language)}</time> <bdi class="name">{item.by}</bdi> <code>{item.action}</code> <bdi>{item.target}</bdi></li>
        ))}
      </ul>
    </Panel>
  );
}

export const console: Feature["console"] = { right: AuditPanel };
