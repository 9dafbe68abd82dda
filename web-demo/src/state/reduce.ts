/** How each event changes what a page knows. Pure: no socket, clock or DOM. */
import type { ServerEvents } from "../contract.gen";
import { takenIn } from "./classes";
import { EXCEPTIONS } from "./exceptions";
import type { Action, RoomState } from "./room";

export function reduce(state: RoomState, action: Action): RoomState {
  const takes = EXCEPTIONS[action.event] as ((state: RoomState, data: Action["data"]) => RoomState) | undefined;
  return takes ? takes(state, action.data) : takenIn(state, action.event as keyof ServerEvents, action.data as ServerEvents[keyof ServerEvents]);
}
