/** A fan votes, sees how it stands, and what came out. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Poll } from "../../contract.gen";
import { codeText, useLanguage } from "../../i18n";
import { barrier, type Interaction } from "../../state";
import { BarrierLine } from "../../ui/barrier";
import { Icon } from "../../ui/icons";
import { Panel } from "../../ui/parts";
import type { FanPage } from "../feature";
import { keepVote, keptVote, putAway, wasPutAway } from "./kept";
import { Options } from "./options";
import { votesOf } from "./poll";

const VOTE: Interaction = { permission: "vote", switch: "polls" };

/** The newest poll; once it has ended, until the fan puts its result away. */
export function PollPanel(page: FanPage): JSX.Element | null {
  const [before, newest] = lastTwo(page.state.polls?.items ?? []);
  const [, redraw] = useState(0);
  const { user } = page.session;
  if (!newest || (newest.ended_ms !== null && wasPutAway(user, newest.id))) return null;
  const close = () => {
    putAway(user, newest.id);
    redraw((count) => count + 1);
  };
  return <OnePoll key={newest.id} page={page} poll={newest} before={before} close={close} />;
}

function OnePoll({ page, poll, before, close }: { page: FanPage; poll: Poll; before: Poll | undefined; close: () => void }): JSX.Element {
  const { session: { user }, state, store, notify } = page;
  const { t } = useLanguage();
  const [mine, setMine] = useState(() => keptVote(user, poll.id));
  const [sent, setSent] = useState<number | null>(null);
  const isOpen = poll.ended_ms === null;
  const why = isOpen ? barrier(state, VOTE) : null;
  const vote = async (option: number) => {
    if (sent !== null || option === mine) return;
    setSent(option); // shown as chosen at once, and taken back where it is refused
    const voted = await store.live.call("poll:vote", { poll: poll.id, option });
    setSent(null);
    if (!voted.ok) return notify(codeText(t, voted.error.code), "bad");
    keepVote(user, poll.id, voted.data.option);
    setMine(voted.data.option);
  };
  const chosen = sent ?? mine;
  return (
    <Panel title={t("polls.title")} icon="flag" class="poll-panel" aside={isOpen ? <span class="badge speak-yes">{t("polls.open")}</span> : (
      <button type="button" class="quiet small" aria-label={t("dismiss")} data-testid="poll-close" onClick={close}><Icon name="close" size={15} /></button>
    )}>
      <div data-testid="poll" data-value={isOpen ? "open" : "ended"}>
        <p class="poll-question" dir="auto">{poll.question}</p>
        <Options poll={poll} mine={chosen} {...(isOpen && { voting: { run: (option: number) => void vote(option), barred: why !== null } })} />
        <div class="poll-foot">
          <span class="muted digits">{t("polls.votes", { count: votesOf(poll) })}</span>
          {why ? <BarrierLine why={why} state={state} /> : <span class="muted">{t(!isOpen ? "polls.ended" : chosen === null ? "polls.choose" : "polls.change")}</span>}
        </div>
        {isOpen && before && (
          <details class="poll-before">
            <summary>{t("polls.before")} <bdi>{before.question}</bdi></summary>
            <Options poll={before} mine={keptVote(user, before.id)} />
          </details>
        )}
      </div>
    </Panel>
  );
}

/** Says that something is asked, to whoever looks elsewhere; not what was open when the fan came. */
export function useFanPage({ state, notify }: FanPage): void {
  const { t } = useLanguage();
  const known = useRef<string | null>(null);
  const newest = state.polls?.items.at(-1);
  useEffect(() => {
    if (state.polls === null) return;
    const id = newest?.id ?? "";
    const isNew = known.current !== null && known.current !== id;
    known.current = id;
    if (isNew && newest?.ended_ms === null) notify(t("polls.asked", { question: `\u2068${newest.question}\u2069` }));
  }, [state.polls]);
}

function lastTwo(items: readonly Poll[]): [Poll | undefined, Poll | undefined] {
  return [items.at(-2), items.at(-1)];
}
