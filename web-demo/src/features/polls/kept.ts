/**
 * What a tab keeps of polls over a reload, per fan, as frames of one tab share it: the gateway tells how everybody
 * voted together, not how somebody did.
 */
const VOTE = "liveroom.vote";
const AWAY = "liveroom.poll_away";

export function keptVote(user: string, poll: string): number | null {
  const kept = sessionStorage.getItem(slot(VOTE, user, poll));
  return kept === null ? null : Number(kept);
}

export function keepVote(user: string, poll: string, option: number): void {
  sessionStorage.setItem(slot(VOTE, user, poll), String(option));
}

export function wasPutAway(user: string, poll: string): boolean {
  return sessionStorage.getItem(slot(AWAY, user, poll)) !== null;
}

export function putAway(user: string, poll: string): void {
  sessionStorage.setItem(slot(AWAY, user, poll), "1");
}

function slot(what: string, user: string, poll: string): string {
  return `${what}.${user}.${poll}`;
}
