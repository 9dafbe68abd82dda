import { defineConfig, type Plugin } from "vite";

const GATEWAY = process.env.LIVEROOM_URL ?? "http://127.0.0.1:8000";
const PAGES = ["watch", "console", "split", "docs"];
/** Of addresses from before the fan page moved from / to /watch; the gateway forwards them too. */
const OF_THE_FAN_PAGE = /(^|&)(user|embed|codec)=/;

/** The gateway serves /watch, /console, /split and /docs without a suffix; the development server does the same. */
function prettyPaths(): Plugin {
  return {
    name: "pretty-paths",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const [path, query] = (request.url ?? "/").split("?");
        if (path === "/" && OF_THE_FAN_PAGE.test(query ?? "")) {
          response.writeHead(307, { location: `/watch?${query}` }).end();
          return;
        }
        const page = PAGES.find((name) => path === `/${name}`);
        if (page) request.url = `/${page}.html${query ? `?${query}` : ""}`;
        next();
      });
    },
  };
}

const proxied = ["/api", "/docs/", "/demo/", "/media", "/pay", "/socket.io/", "/socket.io-msgpack/"];

export default defineConfig({
  plugins: [prettyPaths()],
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(proxied.map((path) => [path, { target: GATEWAY, ws: path.startsWith("/socket.io") }])),
  },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { index: "index.html", watch: "watch.html", console: "console.html", split: "split.html", docs: "docs.html" } },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
