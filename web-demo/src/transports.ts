/**
 * A socket of the official client that comes through where WebSockets do not. A WebSocket is one request where polling
 * takes several, so it is tried first; polling serves
 *
 * - at once where a proxy refuses the upgrade or drops it (`tryAllTransports`, of socket.io-client 4.8 and later);
 * - after `ANSWER_MS` where a proxy takes the upgrade and then swallows what is sent: the attempt is given up, and the next one
 *   begins with the other transport. Polling that comes first becomes a WebSocket as soon as one carries something.
 *
 * A refusal by the server has come through, so the next attempt begins as the last one did.
 */
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";

type Auth = Record<string, string>;
export type MakesAuth = (send: (auth: Auth) => void) => void;

/** For a transport to open, and then for the answer to a CONNECT. */
export const ANSWER_MS = 10_000;

export function openSocket(url: string, auth: MakesAuth, options: Partial<ManagerOptions & SocketOptions>): Socket {
  let wait: ReturnType<typeof setTimeout> | undefined;
  let isIn = false;
  const socket = io(url, {
    ...options,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    timeout: ANSWER_MS,
    auth: (send: (auth: Auth) => void) => auth((made) => (send(made), awaitAnswer())),
  });
  /** Every attempt reads the order anew. */
  const beginWithTheOther = () => (socket.io.opts.transports as string[]).reverse();

  function awaitAnswer(): void {
    const { engine } = socket.io;
    clearTimeout(wait);
    wait = setTimeout(() => {
      if (!socket.active || socket.connected || socket.io.engine !== engine) return; // given up meanwhile, or answered
      beginWithTheOther();
      socket.disconnect().connect();
    }, ANSWER_MS);
  }

  socket.on("connect", () => {
    clearTimeout(wait);
    isIn = true;
  });
  socket.on("connect_error", (error: Error & { data?: unknown }) => {
    clearTimeout(wait);
    if (error.data === undefined) beginWithTheOther(); // no refusal: nothing came through
  });
  socket.on("disconnect", () => {
    clearTimeout(wait);
    if (!isIn) beginWithTheOther(); // it opened, and broke before it was answered
    isIn = false;
  });
  return socket;
}
