/** The options of a poll with a bar each, to vote on or to read. */
import type { JSX } from "preact";
import type { Poll } from "../../contract.gen";
import { useLanguage } from "../../i18n";
import { Icon } from "../../ui/icons";
import { leading, shares } from "./poll";
import "./polls.css";

interface Voting {
  run: (option: number) => void;
  barred: boolean;
}

/** `mine`: the option that this fan chose. With `voting` each is a button. */
export function Options({ poll, mine = null, voting }: { poll: Poll; mine?: number | null; voting?: Voting }): JSX.Element {
  const { t } = useLanguage();
  const share = shares(poll);
  const won = poll.ended_ms === null ? [] : leading(poll);
  return (
    <ul class="poll-options" aria-label={poll.question}>
      {poll.options.map((option, index) => {
        const look = `poll-option${mine === index ? " mine" : ""}${won.includes(index) ? " won" : ""}`;
        const bar = { "--share": `${share[index] ?? 0}%` };
        const shown = (
          <>
            <span class="poll-text">{mine === index && <Icon name="check" size={15} />}<bdi>{option.text}</bdi>{mine === index && <span class="sr-only"> {t("polls.mine")}</span>}</span>
            <span class="digits poll-count" data-testid="poll-votes" data-value={option.votes}>{share[index]}% · {option.votes}</span>
          </>
        );
        return (
          <li key={index}>
            {voting ? (
              <button type="button" class={look} style={bar} data-testid={`vote-${index}`} aria-pressed={mine === index} disabled={voting.barred} onClick={() => voting.run(index)}>{shown}</button>
            ) : <div class={look} style={bar}>{shown}</div>}
          </li>
        );
      })}
    </ul>
  );
}
