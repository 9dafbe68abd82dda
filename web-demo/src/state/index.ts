/** All that a page knows of a room, as one pure `reduce(state, event)`, and what it asks of that. */
export { INITIAL } from "./classes";
export * from "./questions";
export { reduce } from "./reduce";
export { CHAT_LINES, SEEN_IDS, type Action, type ChatLine, type Past, type RoomState, type SaidLine, type Standing, type You } from "./room";
