/** The host asks, ends, and takes the results along; moderators see how it stands. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { request } from "../../api";
import type { Poll } from "../../contract.gen";
import { codeText, useLanguage } from "../../i18n";
import { steers } from "../../state";
import { Icon } from "../../ui/icons";
import { Panel, SmallButton } from "../../ui/parts";
import type { ConsolePage } from "../feature";
import { Options } from "./options";
import { asked, flawOf, LEAST_OPTIONS, MOST_OPTIONS, OPTION_LENGTH, QUESTION_LENGTH, votesOf } from "./poll";

export function PollDesk(page: ConsolePage): JSX.Element {
  const { t } = useLanguage();
  const items = page.state.polls?.items ?? [];
  const open = items.find((poll) => poll.ended_ms === null);
  const ended = items.filter((poll) => poll.ended_ms !== null).reverse();
  return (
    <Panel title={t("polls.desk")} icon="flag" class="poll-panel" aside={items.length > 0 && <SmallButton run={() => takeResults(page, t("polls.file"), (code) => codeText(t, code))}>{t("polls.csv")}</SmallButton>}>
      {open && <OpenPoll poll={open} page={page} />}
      {steers(page.state) && <AskForm page={page} waits={open !== undefined} />}
      {!steers(page.state) && items.length === 0 && <p class="muted">{t("polls.none")}</p>}
      {ended.map((poll) => (
        <details class="poll-before" key={poll.id} data-testid="poll-ended">
          <summary><bdi>{poll.question}</bdi> · <span class="digits">{t("polls.votes", { count: votesOf(poll) })}</span></summary>
          <Options poll={poll} />
        </details>
      ))}
    </Panel>
  );
}

function OpenPoll({ poll, page: { state, act } }: { poll: Poll; page: ConsolePage }): JSX.Element {
  const { t } = useLanguage();
  return (
    <div class="poll-open" data-testid="poll" data-value="open">
      <p class="poll-question" dir="auto">{poll.question}</p>
      <Options poll={poll} />
      <div class="poll-foot">
        <span class="muted digits">{t("polls.votes", { count: votesOf(poll) })}</span>
        {steers(state) && <button type="button" class="danger small" data-testid="poll-end" onClick={() => void act("poll:end", { poll: poll.id })}>{t("polls.end")}</button>}
      </div>
    </div>
  );
}

const BLANK: readonly string[] = Array.from({ length: LEAST_OPTIONS }, () => "");

/** `waits`: another poll is open. The next one can be written meanwhile. */
function AskForm({ page: { act }, waits }: { page: ConsolePage; waits: boolean }): JSX.Element {
  const { t } = useLanguage();
  const [question, setQuestion] = useState("");
  const [fields, setFields] = useState(BLANK);
  const [tried, setTried] = useState(false);
  const poll = asked(question, fields);
  const flaw = flawOf(poll);
  const ask = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (flaw !== null || waits || (await act("poll:ask", poll)) === null) return;
    setQuestion("");
    setFields(BLANK);
    setTried(false);
  };
  const write = (index: number, text: string) => setFields(fields.map((field, at) => (at === index ? text : field)));
  const isLong = flaw === "question_long" || flaw === "option_long";
  return (
    <form class="poll-ask" onSubmit={ask}>
      <input data-testid="poll-question" aria-label={t("polls.question")} placeholder={t("polls.question")} dir="auto" maxLength={2880} value={question} onInput={(event) => setQuestion(event.currentTarget.value)} />
      {fields.map((field, index) => {
        const label = t("polls.option", { number: index + 1 });
        return (
          <div class="poll-field" key={index}>
            <input data-testid={`poll-option-${index}`} aria-label={label} placeholder={label} dir="auto" maxLength={960} value={field} onInput={(event) => write(index, event.currentTarget.value)} />
            {fields.length > LEAST_OPTIONS && <button type="button" class="quiet small" aria-label={t("polls.less", { number: index + 1 })} onClick={() => setFields(fields.filter((_, at) => at !== index))}><Icon name="close" size={14} /></button>}
          </div>
        );
      })}
      {flaw !== null && (tried || isLong) && <p class="bad small" role="alert" data-testid="poll-flaw" data-value={flaw}>{t(`polls.flaw.${flaw}`, { most: flaw === "question_long" ? QUESTION_LENGTH : OPTION_LENGTH })}</p>}
      <div class="poll-foot">
        <button type="button" class="quiet small" data-testid="poll-more" disabled={fields.length >= MOST_OPTIONS} onClick={() => setFields([...fields, ""])}>{t("polls.more")}</button>
        {waits && <span class="muted">{t("polls.waits")}</span>}
        <button type="submit" class="primary small" data-testid="poll-ask" disabled={waits}>{t("polls.ask")}</button>
      </div>
    </form>
  );
}

/** A link cannot carry the token, so the page reads the table and hands it on as a file. */
async function takeResults({ session, show, notify }: ConsolePage, name: string, codeOf: (code: string) => string): Promise<void> {
  const table = await session.ask((token) => request<string>("GET", `/api/v1/shows/${encodeURIComponent(show.show)}/polls.csv`, { token, as: "text" }));
  if (!table.ok) return notify(codeOf(table.error.code), "bad");
  // Spreadsheets take a file without a byte order mark for one of their own old encodings.
  const file = URL.createObjectURL(new Blob(["\ufeff", table.data], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: file, download: `${name}-${show.show}.csv` }).click();
  URL.revokeObjectURL(file);
}
