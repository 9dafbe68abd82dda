// Generated from gateway/contract by `make contract`. Do not edit.

export const CONTRACT_VERSION = "1.0";

export type Access = "ticketed" | "open";

export type OrderState = "pending" | "paid" | "closed" | "refunding" | "refunded";

export type Phase = "draft" | "presale" | "doors" | "live" | "paused" | "ended" | "replay" | "cancelled";

export type PinKind = "danmaku" | "announcement";

export type Role = "viewer" | "moderator" | "host" | "operator";

export type Scale = "off" | "vip" | "ticket" | "everyone";

export type StageReason = "rejected" | "removed" | "left" | "cancelled" | "rights_ended" | "paused" | "absent" | "expired";

export type StageState = "idle" | "requested" | "invited" | "on_stage";

export type Tier = "none" | "lobby" | "main" | "vip";

export type Code = "BAD_REQUEST" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "ROOM_NOT_FOUND" | "TICKET_REQUIRED" | "BALANCE_DUE" | "FORBIDDEN" | "BANNED" | "SEAT_TAKEN" | "ROOM_ENDED" | "ROOM_CANCELLED" | "BUSY" | "KICKED" | "SLOW" | "DRAINING" | "PROTOCOL" | "RATE_LIMITED" | "MUTED" | "CLOSED" | "TEXT_EMPTY" | "TEXT_TOO_LONG" | "TEXT_BLOCKED" | "LINKS_OFF" | "EMOJI_ONLY" | "GIFT_UNKNOWN" | "INSUFFICIENT_CREDITS" | "STAGE_FULL" | "STAGE_STATE" | "NOT_HERE" | "PHASE_TRANSITION" | "CONFLICT" | "NOT_FOUND" | "POLL_OPEN" | "POLL_ENDED" | "SALES_CLOSED" | "ALREADY_HELD" | "SOLD_OUT" | "ORDER_STATE" | "REFUND_POLICY" | "IDEMPOTENCY_REUSED" | "PROVIDER_UNKNOWN" | "PROVIDER_UNAVAILABLE" | "SIGNATURE_INVALID" | "INTERNAL";

export const RETRYABLE: ReadonlySet<string> = new Set(["BUSY", "CONFLICT", "DRAINING", "INTERNAL", "PROVIDER_UNAVAILABLE", "RATE_LIMITED", "SLOW"]);

/** Decimal places of the currencies of ISO 4217 that do not have 2; browsers know others. */
export const CURRENCY_DIGITS: Readonly<Record<string, number>> = { BHD: 3, BIF: 0, CLF: 4, CLP: 0, DJF: 0, GNF: 0, IQD: 3, ISK: 0, JOD: 3, JPY: 0, KMF: 0, KRW: 0, KWD: 3, LYD: 3, OMR: 3, PYG: 0, RWF: 0, TND: 3, UGX: 0, UYI: 0, UYW: 4, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0 };

/** The lawful ways from phase to phase, for buttons only: the server decides. */
export const PHASE_TRANSITIONS: Readonly<Record<Phase, readonly Phase[]>> = {
  "draft": ["presale", "doors", "cancelled"],
  "presale": ["doors", "cancelled"],
  "doors": ["live", "cancelled"],
  "live": ["paused", "ended"],
  "paused": ["live", "ended", "cancelled"],
  "ended": ["replay"],
  "replay": [],
  "cancelled": [],
};

/** Where you stand in the queue at the door. Until your turn comes you hold no rights and no streams. */
export interface Admission {
  position: number;
  eta_ms: number;
}

/** Pin a text of the host. */
export interface Announce {
  text: string;
}

/** Ask everybody something. */
export interface AskPoll {
  question: string;
  options: string[];
}

/** What the staff did, oldest first. */
export interface Audit {
  items: AuditItem[];
}

/** Somebody of the staff did something. */
export interface AuditItem {
  id: string;
  by: string;
  action: string;
  target: string;
  at_ms: number;
}

/** The end of this socket and whether coming back can help. */
export interface Bye {
  code: string;
  retryable: boolean;
  retry_after_ms?: number;
}

/** Vote, or vote otherwise than before. */
export interface CastVote {
  poll: string;
  option: number;
}

/** Move the show on. */
export interface ChangePhase {
  phase: Phase;
}

/** Take a countdown off the screens. */
export interface ClearCountdown {
  id: string;
}

/** The client's clock when it asked. */
export interface Clock {
  t0: number;
}

/** Server times at receipt and answer, for the client's offset. */
export interface ClockAck {
  t0: number;
  t1: number;
  t2: number;
}

/** Where you stand with the stage; `grant` is there while you are on it. */
export interface Cohost {
  state: StageState;
  version: number;
  reason?: StageReason;
  grant?: Grant;
}

/** Who waits for the stage, longest first. */
export interface CohostQueue {
  items: QueueItem[];
  version: number;
}

/** Ask to come on stage. */
export interface CohostRequest {
  message?: string | null;
}

/** Something everybody (or only you) waits for. `target_ms: null` takes it off the screen. */
export interface Countdown {
  id: string;
  scope: "room" | "me";
  kind: "doors" | "show" | "order" | "custom";
  target_ms: number | null;
  server_ms: number;
  version: number;
  label?: string;
}

/** The id of what was made. */
export interface Created {
  id: string;
}

/** New danmaku, oldest first. */
export interface Danmaku {
  items: DanmakuItem[];
  cursor: string;
}

/** Accepted, best effort. `shed`: so full a room that not everybody will see it. */
export interface DanmakuAck {
  id: string;
  shed?: boolean;
}

/** One bullet comment. `text` is plain text; pages write it with `textContent` only. */
export interface DanmakuItem {
  id: string;
  user: string;
  name: string;
  text: string;
  tier: Tier;
  at_ms: number;
  role?: Role;
  style?: DanmakuStyle;
}

/** How a danmaku flies; None is as the page likes. */
export interface DanmakuStyle {
  color?: string | null;
  place?: "fly" | "top" | "bottom" | null;
}

/** The wire between gateways is out since then; null when it is back. */
export interface Degraded {
  since_ms: number | null;
}

/** This gateway goes down; reconnect after the wait, which differs per client. */
export interface Draining {
  reconnect_after_ms: number;
}

/** End a poll; its counts are its result. */
export interface EndPoll {
  poll: string;
}

/** Why not. Further fields depend on the code. */
export interface ErrorBody {
  code: string;
  retryable: boolean;
  retry_after_ms?: number;
}

/** New gifts, oldest first. */
export interface Gift {
  items: GiftItem[];
  cursor: string;
}

/** Committed. The same key answers the same id again, also when the right to gifts has ended since. */
export interface GiftAck {
  id: string;
  wallet: Wallet;
}

/** One committed gift. `credits` is the cost of all `count` together. */
export interface GiftItem {
  id: string;
  user: string;
  name: string;
  gift: string;
  count: number;
  credits: number;
  at_ms: number;
}

/** A gift that may be sent, and the price of one in credits. */
export interface GiftKind {
  id: string;
  name: string;
  credits: number;
}

/** A right as clients receive it; `kind` says how to use the `url`. */
export interface Grant {
  stream: string;
  right: "play" | "publish";
  kind: string;
  url: string;
  expires_ms: number;
}

/** How this gateway does: sockets, danmaku shed per class, event-loop lag. */
export interface Health {
  online: number;
  shed: Record<string, number>;
  lag_ms: number;
  waiting: number;
}

/** A notice only you see: a mute, an end of a mute, a refund that failed, money that goes back, refunds that open. */
export interface Inbox {
  id: string;
  kind: "muted" | "unmuted" | "refund_failed" | "money_returning" | "refunds_open";
  at_ms: number;
  until_ms: number | null;
  order?: string;
}

/** A danmaku or a pin. */
export interface ItemTarget {
  id: string;
}

/** The ten most generous fans, first is most. */
export interface Leaderboard {
  items: LeaderboardItem[];
  version: number;
}

/** A fan and the credits of all their gifts in this room. */
export interface LeaderboardItem {
  user: string;
  name: string;
  credits: number;
}

/** All likes of the room so far; best effort. */
export interface Like {
  total: number;
}

/** What was said while you were away. */
export interface MissedDanmaku {
  event: "danmaku";
  data: Danmaku;
}

/** What was given while you were away. */
export interface MissedGift {
  event: "gift";
  data: Gift;
}

/** What was taken back while you were away. */
export interface MissedRetract {
  event: "retract";
  data: Retract;
}

/** Silence a viewer; without `minutes` until unmuted. */
export interface Mute {
  user: string;
  minutes?: number | null;
}

/** The official names of the show: viewers who bear one, or one that looks like it, are shown under another. */
export interface Names {
  names: string[];
  version: number;
}

/** No payload. */
export interface Nothing {
}

/** An order of yours as it stands. */
export interface Order {
  order: string;
  state: OrderState;
  amount_minor: number;
  currency: string;
  items: OrderItem[];
  expires_ms: number;
  version: number;
  pay_url?: string;
}

/** A product somebody asks for. */
export interface OrderItem {
  product: string;
  quantity: number;
}

/** A pinned danmaku (with its id) or an announcement of the staff. */
export interface Pin {
  id: string;
  kind: PinKind;
  text: string;
  name: string;
  at_ms: number;
}

/** What stays on top, newest last. */
export interface Pins {
  items: Pin[];
  version: number;
}

/** A question. `ended_ms` is null while it can be voted on. */
export interface Poll {
  id: string;
  question: string;
  options: PollOption[];
  asked_ms: number;
  ended_ms: number | null;
}

/** A possible answer. */
export interface PollOption {
  text: string;
  votes: number;
}

/** The newest questions to everybody, newest last; at most the last of them is open. Consoles see more of them. */
export interface Polls {
  items: Poll[];
  version: number;
}

/** Sockets of viewers in the room now. */
export interface Presence {
  online: number;
}

/** How a product sells. `left` is absent where the host hides it. */
export interface ProductSales {
  id: string;
  sold: number;
  held: number;
  left?: number;
}

/** Somebody asking to come on stage, or invited and not yet there. */
export interface QueueItem {
  user: string;
  name: string;
  tier: Tier;
  state: StageState;
  message: string;
  at_ms: number;
  invited_ms: number | null;
}

/** A new token of the same user. */
export interface RefreshToken {
  token: string;
}

/** Danmaku taken back by a moderator. */
export interface Retract {
  items: RetractItem[];
  cursor: string;
}

/** Take the danmaku with this id off every screen. */
export interface RetractItem {
  id: string;
}

/** Money and credits of the show so far. */
export interface Revenue {
  currency: string;
  gross_minor: number;
  refunded_minor: number;
  orders_paid: number;
  gift_credits: number;
  version: number;
}

/** The live place of a show. */
export interface Room {
  id: string;
  show: string;
  title: string;
  access: Access;
  phase: Phase;
  switches: Switches;
  schedule: Schedule;
  gifts: GiftKind[];
  version: number;
}

/** Where the room stands; keep the cursor. */
export interface RoomPosition {
  cursor: string;
}

/** Tickets sold; refunds decrement. */
export interface Sales {
  products: ProductSales[];
  version: number;
}

/** When the show is planned to open and to start. */
export interface Schedule {
  doors_ms: number;
  start_ms: number;
}

/** Say something. */
export interface SendDanmaku {
  text: string;
  style?: DanmakuStyle | null;
}

/** Send a gift; the same key never spends twice. */
export interface SendGift {
  gift: string;
  key: string;
  count?: number;
}

/** Like, some times at once. */
export interface SendLike {
  count?: number;
}

/** Show a countdown to everybody. `doors` and `show` move the schedule's own. */
export interface SetCountdown {
  target_ms: number;
  kind?: "doors" | "show" | "custom";
  label?: string;
  id?: string | null;
}

/** Keep these names, and no others, for the staff of the show. */
export interface SetNames {
  names: string[];
}

/** Who is on stage. */
export interface Stage {
  members: StageMember[];
  capacity: number;
  version: number;
}

/** Somebody co-hosting now. */
export interface StageMember {
  user: string;
  name: string;
  since_ms: number;
}

/** All stream grants you hold now. */
export interface Streams {
  grants: Grant[];
}

/** Only the named switches change. */
export interface SwitchChanges {
  chat?: Scale;
  gifts?: Scale;
  cohost?: Scale;
  likes?: Scale;
  polls?: Scale;
  slow_ms?: number;
  links?: boolean;
  emoji_only?: boolean;
  sales_left?: boolean;
}

/** The settings of a room that its host flips during the show. */
export interface Switches {
  chat: Scale;
  gifts: Scale;
  cohost: Scale;
  likes: Scale;
  polls: Scale;
  slow_ms: number;
  links: boolean;
  emoji_only: boolean;
  sales_left: boolean;
}

/** A viewer. */
export interface Target {
  user: string;
}

/** What your ticket is worth from now on, and why it changed. */
export interface TierChange {
  tier: Tier;
  version: number;
  permissions: string[];
  streams: Grant[];
  reason: "purchase" | "refund" | "refund_failed" | "phase" | "switches" | "role" | "admitted";
}

/** Answer with `token:refresh` before then. */
export interface TokenExpiring {
  expires_ms: number;
}

/** Committed. The same vote again changes nothing. */
export interface VoteAck {
  poll: string;
  option: number;
}

/** Your gift credits in this show. */
export interface Wallet {
  credits: number;
  version: number;
}

/** The first event after CONNECT: the whole state of the room as it concerns you. */
export interface Welcome {
  contract: string;
  server_ms: number;
  room: Room;
  you: You;
  streams: Grant[];
  countdowns: Countdown[];
  sales: Sales;
  stage: Stage;
  pins: Pins;
  leaderboard: Leaderboard;
  presence: Presence;
  like: Like;
  cursor: string;
  recovered: boolean;
  danmaku_truncated: boolean;
  missed: (MissedDanmaku | MissedGift | MissedRetract)[];
  admission?: Admission;
  polls: Polls;
}

/** Your side of the welcome. */
export interface You {
  user: string;
  name: string;
  role: Role;
  tier: Tier;
  version: number;
  permissions: string[];
  wallet: Wallet;
  orders: Order[];
  cohost: Cohost;
  muted_until_ms: number | null;
}

export interface ServerEvents {
  "welcome": Welcome;
  "danmaku": Danmaku;
  "gift": Gift;
  "retract": Retract;
  "room": Room;
  "stage": Stage;
  "pins": Pins;
  "countdown": Countdown;
  "sales": Sales;
  "leaderboard": Leaderboard;
  "presence": Presence;
  "like": Like;
  "tier": TierChange;
  "order": Order;
  "wallet": Wallet;
  "inbox": Inbox;
  "cohost": Cohost;
  "streams": Streams;
  "admission": Admission;
  "position": RoomPosition;
  "degraded": Degraded;
  "token:expiring": TokenExpiring;
  "draining": Draining;
  "bye": Bye;
  "audit": Audit;
  "revenue": Revenue;
  "cohost:queue": CohostQueue;
  "names": Names;
  "health": Health;
  "polls": Polls;
}

/** How each event is delivered, and so what a client does with it. */
export const EVENT_CLASSES = {
  "welcome": "link",
  "danmaku": "history",
  "gift": "history",
  "retract": "history",
  "room": "state",
  "stage": "state",
  "pins": "state",
  "countdown": "state",
  "sales": "state",
  "leaderboard": "state",
  "presence": "state",
  "like": "state",
  "tier": "personal",
  "order": "personal",
  "wallet": "personal",
  "inbox": "personal",
  "cohost": "personal",
  "streams": "personal",
  "admission": "personal",
  "position": "link",
  "degraded": "link",
  "token:expiring": "link",
  "draining": "link",
  "bye": "link",
  "audit": "console",
  "revenue": "console",
  "cohost:queue": "console",
  "names": "console",
  "health": "console",
  "polls": "state",
} as const;

/** Events that tell one of many values, and the field that tells them apart. `welcome` lists all. */
export const EVENT_KEYS = {
  "countdown": "id",
  "order": "order",
} as const;

export interface ViewerCommands {
  "danmaku": { payload: SendDanmaku; ack: DanmakuAck };
  "gift": { payload: SendGift; ack: GiftAck };
  "like": { payload: SendLike; ack: Like };
  "cohost:request": { payload: CohostRequest; ack: Cohost };
  "cohost:cancel": { payload: Nothing; ack: Cohost };
  "cohost:accept": { payload: Nothing; ack: Cohost };
  "cohost:leave": { payload: Nothing; ack: Cohost };
  "streams:refresh": { payload: Nothing; ack: Streams };
  "token:refresh": { payload: RefreshToken; ack: TokenExpiring };
  "clock": { payload: Clock; ack: ClockAck };
  "poll:vote": { payload: CastVote; ack: VoteAck };
}

export interface ConsoleCommands {
  "show:phase": { payload: ChangePhase; ack: Room };
  "room:switches": { payload: SwitchChanges; ack: Room };
  "panic": { payload: Nothing; ack: Room };
  "mute": { payload: Mute; ack: Nothing };
  "unmute": { payload: Target; ack: Nothing };
  "ban": { payload: Target; ack: Nothing };
  "unban": { payload: Target; ack: Nothing };
  "kick": { payload: Target; ack: Nothing };
  "retract": { payload: ItemTarget; ack: Nothing };
  "pin": { payload: ItemTarget; ack: Pins };
  "unpin": { payload: ItemTarget; ack: Pins };
  "announce": { payload: Announce; ack: Pins };
  "cohost:approve": { payload: Target; ack: Nothing };
  "cohost:reject": { payload: Target; ack: Nothing };
  "cohost:invite": { payload: Target; ack: Nothing };
  "cohost:remove": { payload: Target; ack: Nothing };
  "countdown:set": { payload: SetCountdown; ack: Created };
  "names:set": { payload: SetNames; ack: Names };
  "countdown:clear": { payload: ClearCountdown; ack: Nothing };
  "poll:ask": { payload: AskPoll; ack: Created };
  "poll:end": { payload: EndPoll; ack: Nothing };
  "danmaku": { payload: SendDanmaku; ack: DanmakuAck };
  "streams:refresh": { payload: Nothing; ack: Streams };
  "token:refresh": { payload: RefreshToken; ack: TokenExpiring };
  "clock": { payload: Clock; ack: ClockAck };
}
