/** What a poll says, and what may be asked. Pure. */
import type { AskPoll, Poll } from "../../contract.gen";

/** As the gateway has them (rooms/polls/poll.py), which decides; here they save a host a refusal. */
export const QUESTION_LENGTH = 120;
export const OPTION_LENGTH = 40;
export const LEAST_OPTIONS = 2;
export const MOST_OPTIONS = 6;

export function votesOf(poll: Poll): number {
  return poll.options.reduce((sum, option) => sum + option.votes, 0);
}

/** Rounded percentages: options that are level read the same, so the sum may miss 100 by a little. All 0 without a vote. */
export function shares(poll: Poll): number[] {
  const all = votesOf(poll);
  return poll.options.map((option) => (all === 0 ? 0 : Math.round((option.votes * 100) / all)));
}

/** The options that most chose: several that are level, none while nobody voted. */
export function leading(poll: Poll): number[] {
  const most = Math.max(...poll.options.map((option) => option.votes));
  return most === 0 ? [] : poll.options.flatMap((option, index) => (option.votes === most ? [index] : []));
}

export type Flaw = "empty" | "question_long" | "option_long" | "few" | "same";

/** What would be asked: fields that were left empty at the end or between are no options. */
export function asked(question: string, fields: readonly string[]): AskPoll {
  return { question: question.trim(), options: fields.map((field) => field.trim()).filter((field) => field !== "") };
}

/** Why it cannot be asked; null where it can. */
export function flawOf({ question, options }: AskPoll): Flaw | null {
  if (question === "") return "empty";
  if (lengthOf(question) > QUESTION_LENGTH) return "question_long";
  if (options.some((option) => lengthOf(option) > OPTION_LENGTH)) return "option_long";
  if (options.length < LEAST_OPTIONS) return "few";
  return new Set(options.map((option) => option.toLowerCase())).size < options.length ? "same" : null;
}

/** In graphemes, as people count. */
function lengthOf(text: string): number {
  return [...new Intl.Segmenter().segment(text)].length;
}
