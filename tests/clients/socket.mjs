/**
 * The official JavaScript client, as web-demo has installed it, and how these scripts open it.
 *
 * Programs beside this one are run by people and by tests/integration; they need `make setup` and nothing else.
 */
import { createRequire } from "node:module";

const installed = createRequire(new URL("../../web-demo/package.json", import.meta.url));

export const CODECS = ["json", "msgpack"];
export const TRANSPORTS = ["websocket", "polling", "upgrade"];

/** A module of the pages; one sentence and status 1 where nothing is installed. */
function load(name) {
  try {
    return installed(name);
  } catch {
    console.error(`${name} is not installed: run \`make setup\` first.`);
    process.exit(1);
  }
}

const { io } = load("socket.io-client");
const msgpack = load("socket.io-msgpack-parser");

/** A socket that is not connected yet. `auth` is a map, or a function called with a callback before every CONNECT. */
export function open(url, namespace, { codec = "json", transport = "websocket", auth, ...options }) {
  return io(`${url}${namespace}`, {
    path: codec === "msgpack" ? "/socket.io-msgpack/" : "/socket.io/",
    ...(codec === "msgpack" ? { parser: msgpack } : {}),
    transports: transport === "upgrade" ? ["polling", "websocket"] : [transport],
    forceNew: true,
    autoConnect: false,
    auth,
    ...options,
  });
}
