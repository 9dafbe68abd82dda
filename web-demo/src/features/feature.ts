/**
 * What a feature adds to the pages. `registry.ts` lists them all; none of them knows another.
 *
 * A feature is a module (or a folder with an `index.tsx`) that exports any of these. Its parts are Preact components;
 * a page draws those of one place in the order of the registry.
 */
import type { ComponentChildren, JSX } from "preact";
import type { Show } from "../api";
import type { ConsoleCommands, ViewerCommands } from "../contract.gen";
import type { Translate } from "../i18n";
import type { Ack, Payload } from "../live";
import type { Session } from "../session";
import type { ChatLine, RoomState, SaidLine } from "../state";
import type { RoomStore } from "../store";
import type { Words } from "../texts/words";

export interface Feature {
  /** Its words in both languages, and those of refusals that are its own (`code.NAME`). */
  texts: Words<string>;
  fan?: Parts<FanPlaces, FanPage>;
  console?: Parts<ConsolePlaces, ConsolePage>;
  /** How items of its `history` events look in the chat, by event. */
  lines?: Lines;
  /** A hook on the fan page, wherever the fan stands: short notices of what happened. */
  useFanPage?: (page: FanPage) => void;
}

/** Where a part stands on the fan page, and what it is given beside the page. */
export interface FanPlaces {
  /** Above everything, also outside a shut door. */
  banner: object;
  /** The stream, or what stands for it. */
  picture: object;
  /** In the picture, for whoever waits to be let in. */
  queue: object;
  /** Over the picture; `flying`: whether the fan wants danmaku there. */
  overlay: { flying: boolean };
  /** Below the picture. */
  main: object;
  /** Beside it; on a phone below. */
  side: object;
  /** At the foot of the page. */
  foot: object;
  /** In the card at a shut door; `code` says why it is shut. */
  door: { code: string };
}

export interface ConsolePlaces {
  head: object;
  numbers: object;
  /** The three columns. */
  feed: object;
  left: object;
  right: object;
  /** Beside a line of the feed: what staff do with it or with whom it is of. */
  line: { line: SaidLine };
  /** Below the feed. */
  below_feed: object;
}

export interface FanPage {
  session: Session;
  show: Show;
  state: RoomState;
  store: RoomStore<ViewerCommands>;
  notify: Notify;
  /** In a pane of the split page. */
  embedded: boolean;
  lines: Lines;
  /** Something about the orders changed over HTTP: read them again. */
  readOrders: () => void;
  /** The parts of all features that stand in a place. */
  parts: <P extends keyof FanPlaces>(place: P, beside: FanPlaces[P]) => ComponentChildren;
}

export interface ConsolePage {
  session: Session;
  show: Show;
  /** The show as HTTP answered it after a change. */
  setShow: (show: Show) => void;
  state: RoomState;
  store: RoomStore<ConsoleCommands>;
  notify: Notify;
  act: Act;
  lines: Lines;
  parts: <P extends keyof ConsolePlaces>(place: P, beside: ConsolePlaces[P]) => ComponentChildren;
}

export type Notify = (text: string, tone?: "good" | "bad" | "plain") => void;

/** Sends one command and says when it was refused. */
export type Act = <K extends keyof ConsoleCommands & string>(command: K, payload: Payload<ConsoleCommands, K>) => Promise<Ack<ConsoleCommands, K> | null>;

type Part<Page, Beside> = (props: Page & Beside) => JSX.Element | null;
type Parts<Places, Page> = { readonly [P in keyof Places]?: Part<Page, Places[P]> };

export type Lines = { readonly [K in SaidLine["kind"]]?: LineLook<Extract<ChatLine, { kind: K }>["item"]> };

export interface LineLook<Item> {
  /** In the chat and the feed. */
  look: (item: Item, t: Translate, state: RoomState) => JSX.Element;
  /** Over the picture; without it, it does not fly. */
  flies?: (item: Item, t: Translate, state: RoomState) => Flight;
}

export interface Flight {
  text: string;
  class: string;
  color?: string | null | undefined;
  place?: "fly" | "top" | "bottom" | null | undefined;
}
