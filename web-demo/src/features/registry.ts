/** All features, in the order in which pages draw their parts. A new one is its import and its place in the list. */
import * as audit from "./audit";
import * as chat from "./chat";
import * as course from "./course";
import * as door from "./door";
import type { Feature } from "./feature";
import * as gifts from "./gifts";
import * as health from "./health";
import * as inbox from "./inbox";
import * as moderation from "./moderation";
import * as names from "./names";
import * as orders from "./orders";
import * as polls from "./polls";
import * as sales from "./sales";
import * as schedule from "./schedule";
import * as stage from "./stage";
import * as streams from "./streams";

const LISTED = [
  door,
  inbox,
  streams,
  course,
  chat,
  orders,
  stage,
  polls,
  sales,
  schedule,
  moderation,
  names,
  gifts,
  audit,
  health,
] as const;

export const FEATURES: readonly Feature[] = LISTED;

type KeyOf<F> = F extends { texts: { en: infer Texts } } ? keyof Texts : never;
export type FeatureKey = KeyOf<(typeof LISTED)[number]>;
