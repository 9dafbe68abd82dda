/** Events that mean more than their class says, and those of the page itself. Everything else is `classes.ts`. */
import type { AuditItem, Inbox, Order, Retract, TierChange, Welcome } from "../contract.gen";
import type { Connection } from "../live";
import { appended, isNewer, latest, oneOfMany, takenIn, welcomedValues } from "./classes";
import { AUDIT_ITEMS, INBOX_NOTES, SEEN_IDS, type Action, type RoomState, type Standing } from "./room";

type Takes = { readonly [E in Action["event"]]?: (state: RoomState, data: Extract<Action, { event: E }>["data"]) => RoomState };

export const EXCEPTIONS: Takes = {
  // of the page itself
  connection: connected,
  login: (state, login) => ({ ...state, login }),
  "clock:offset": (state, { offset_ms }) => ({ ...state, offset_ms }),
  orders: (state, orders) => oneOfMany(state, "order", orders as Order[]),
  entitlement: entitled,
  // of the connection
  welcome: welcomed,
  degraded: (state, { since_ms }) => ({ ...state, degraded_since_ms: since_ms }),
  draining: (state) => ({ ...state, draining: true }),
  // of their classes, but
  retract: retracted,
  tier: promoted,
  inbox: noticed,
  audit: (state, { items }) => audited(state, items),
  like: (state, like) => (like.total < (state.like?.total ?? 0) ? state : latest(state, "like", like)),
  admission: (state, admission) => ({ ...state, admission: admission.position > 0 ? admission : null }),
};

function connected(state: RoomState, connection: Connection): RoomState {
  const next = { ...state, connection, draining: connection.state === "online" ? false : state.draining };
  if (connection.state !== "refused") return next;
  // These two refusals also say what the ticket is worth now, whatever it was when this page was last inside.
  const { code } = connection.refusal;
  if (code !== "TICKET_REQUIRED" && code !== "BALANCE_DUE") return next;
  return outside(next, { tier: code === "BALANCE_DUE" ? "lobby" : "none", version: state.standing?.version ?? 0 });
}

/** Inside, the socket tells; an answer of HTTP may be older than what it told. */
function entitled(state: RoomState, standing: Standing): RoomState {
  return state.connection.state === "online" || !isNewer(state.standing, standing) ? state : outside(state, standing);
}

/** What a ticket gave to somebody inside does not outlive it. */
function outside(state: RoomState, standing: Standing): RoomState {
  if (state.you === null || state.you.tier === standing.tier) return { ...state, standing };
  return { ...state, standing, you: { ...state.you, tier: standing.tier, permissions: [] }, streams: null };
}

function welcomed(state: RoomState, welcome: Welcome): RoomState {
  const { you } = welcome;
  const known = holed(welcomedValues(state, welcome), welcome);
  const fresh: RoomState = {
    ...known,
    you: {
      user: you.user, name: you.name, role: you.role, tier: you.tier, version: you.version, permissions: you.permissions,
      reason: null, muted_until_ms: you.muted_until_ms, muted: you.muted_until_ms !== null,
    },
    standing: { tier: you.tier, version: you.version },
    tier: null,
    streams: { grants: welcome.streams },
    caught_up: welcome.recovered ? welcome.missed.length : null,
    truncated: state.chat.length === 0 && (welcome.danmaku_truncated ?? false),
    degraded_since_ms: null,
    draining: false,
  };
  return welcome.missed.reduce((seen, { event, data }) => (event === "retract" ? retracted(seen, data) : takenIn(seen, event, data, false)), fresh);
}

/** Never show the parts before and after a gap as one. */
function holed(state: RoomState, welcome: Welcome): RoomState {
  if (state.chat.length === 0 || (welcome.recovered && !welcome.danmaku_truncated)) return state;
  return appended(state, [{ kind: "gap", id: `gap-${state.next_seq}`, all: !welcome.recovered, fresh: false }]);
}

function retracted(state: RoomState, retract: Retract): RoomState {
  const gone = new Set(retract.items.map((item) => item.id));
  return {
    ...state,
    chat: state.chat.filter((line) => !gone.has(line.id)),
    // A retraction may overtake its danmaku in a recovery: remember it as seen, so that it never shows.
    seen: [...new Set([...state.seen, ...gone])].slice(-SEEN_IDS),
  };
}

/** It brings rights and grants along. */
function promoted(state: RoomState, tier: TierChange): RoomState {
  if (!state.you || tier.version < state.you.version) return state;
  const { permissions, version, reason, streams: grants } = tier;
  return { ...state, tier, you: { ...state.you, tier: tier.tier, version, permissions, reason }, standing: { tier: tier.tier, version }, streams: { grants } };
}

function noticed(state: RoomState, note: Inbox): RoomState {
  const inbox = [...state.inbox.filter((held) => held.id !== note.id), note].slice(-INBOX_NOTES);
  if (!state.you || (note.kind !== "muted" && note.kind !== "unmuted")) return { ...state, inbox };
  const muted = note.kind === "muted";
  return { ...state, inbox, you: { ...state.you, muted, muted_until_ms: muted ? note.until_ms : null } };
}

function audited(state: RoomState, items: readonly AuditItem[]): RoomState {
  const known = new Set(state.audit.map((item) => item.id));
  return { ...state, audit: [...state.audit, ...items.filter((item) => !known.has(item.id))].slice(-AUDIT_ITEMS) };
}

