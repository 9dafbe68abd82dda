/** The contract of the gateway that serves this page: events, commands, codes, rates, states and HTTP routes, to search and to link to. */
import { render, type ComponentChildren, type JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { HTTP, contractOf, matching, type Command, type Contract, type Event, type Field, type NamedType, type Route, type Type } from "./docs/model";
import { docsTexts, type DocsKey, type DocsTranslate } from "./docs/text";
import { useLanguage } from "./i18n";
import { MachineFigure } from "./docs/machine";
import { Brand, LanguageSwitch } from "./ui/parts";
import "./styles/theme.css";
import "./styles/docs.css";

const ASYNCAPI = "/docs/asyncapi.json";
const OPENAPI = "/api/v1/openapi.json";
const SECTIONS: readonly DocsKey[] = ["connecting", "events", "commands", "codes", "rates", "states", "routes", "types", "bodies"];

async function read(address: string): Promise<Record<string, unknown>> {
  const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return (await answer.json()) as Record<string, unknown>;
}

function App(): JSX.Element {
  const { language } = useLanguage();
  const t = docsTexts(language);
  const [contract, setContract] = useState<Contract | null>(null);
  const [failed, setFailed] = useState(false);
  const load = () => {
    setFailed(false);
    Promise.all([read(ASYNCAPI), read(OPENAPI)]).then(([asyncapi, openapi]) => setContract(contractOf(asyncapi!, openapi!)), () => setFailed(true));
  };
  useEffect(load, []);
  useEffect(() => void (document.title = `${t("title")} · liveroom`), [language]);
  if (contract) return <Reference contract={contract} t={t} />;
  return (
    <div class="front">
      <header class="top"><Brand /><LanguageSwitch /></header>
      <main>
        <div class="card" role="status">
          <h1>{t(failed ? "failed" : "loading")}</h1>
          {failed && <button type="button" class="primary" onClick={load}>{t("again")}</button>}
        </div>
      </main>
    </div>
  );
}

function Reference({ contract, t }: { contract: Contract; t: DocsTranslate }): JSX.Element {
  const [query, setQuery] = useState(() => new URLSearchParams(location.search).get("q") ?? "");
  const box = useRef<HTMLInputElement>(null);
  const shown = useMemo(() => matching(contract, query), [contract, query]);
  const isWhole = shown === contract;
  useEffect(() => {
    const address = new URL(location.href);
    if (query) address.searchParams.set("q", query);
    else address.searchParams.delete("q");
    history.replaceState(null, "", address);
  }, [query]);
  useEffect(() => {
    const isThere = () => document.getElementById(decodeURIComponent(location.hash.slice(1))) !== null;
    // what is there only now is found by going there again
    const seek = () => location.hash && isThere() && location.replace(location.hash);
    const follow = () => {
      if (!location.hash || isThere()) return;
      setQuery(""); // filtered away
      setTimeout(seek);
    };
    const type = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      box.current?.focus();
    };
    seek();
    addEventListener("hashchange", follow);
    addEventListener("keydown", type);
    return () => (removeEventListener("hashchange", follow), removeEventListener("keydown", type));
  }, []);
  const counted = counts(shown);
  const found = sum(counted);
  const present = SECTIONS.filter((section) => (section === "connecting" ? isWhole : counted[section as Counted] > 0));
  return (
    <div class="page docs">
      <a class="skip" href="#contract">{t("skip")}</a>
      <header class="top docs-top">
        <Brand />
        <label class="docs-search">
          <span class="sr-only">{t("search")}</span>
          <input ref={box} type="search" value={query} placeholder={t("search")} onInput={(event) => setQuery(event.currentTarget.value)} data-testid="docs-search" />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <div class="top-me"><LanguageSwitch /></div>
      </header>
      <div class="docs-columns">
        <nav class="docs-contents" aria-label={t("contents")}>
          <ul>
            {present.map((section) => (
              <li key={section}><a href={`#${section}`}>{t(section)}{section !== "connecting" && <span class="muted digits">{counted[section as Counted]}</span>}</a></li>
            ))}
          </ul>
        </nav>
        <main id="contract" tabIndex={-1}>
          <h1>{t("title")}</h1>
          <p class="muted">{t("lead", { version: contract.version })}</p>
          <p class={isWhole ? "sr-only" : "docs-found"} role="status" data-testid="docs-found" data-value={found}>
            {!isWhole && <>{found > 0 ? t("found", { count: found, all: sum(counts(contract)) }) : t("found.none")} <button type="button" class="small" onClick={() => setQuery("")}>{t("clear")}</button></>}
          </p>
          {isWhole && <Connecting t={t} />}
          <Section id="events" t={t} count={shown.events.length}>
            {contract.classes.map((kind) => {
              const events = shown.events.filter((event) => event.kind === kind.name);
              return events.length > 0 && (
                <div key={kind.name} class="docs-class">
                  <h3 id={`class-${kind.name}`}>{kind.name}</h3><p class="muted">{kind.meaning}</p>
                  {events.map((event) => <EventEntry key={event.name} event={event} t={t} />)}
                </div>
              );
            })}
          </Section>
          <Section id="commands" t={t} count={shown.commands.length} lead={<>{t("commands.any")} <Codes codes={everywhere(contract)} /></>}>
            {namespacesOf(contract).map((namespace) => {
              const commands = shown.commands.filter((command) => command.namespaces[0] === namespace);
              return commands.length > 0 && (
                <div key={namespace} class="docs-class">
                  <h3 id={`commands-${namespace.slice(1)}`}><code>{namespace}</code></h3>
                  {commands.map((command) => <CommandEntry key={command.name} command={command} common={everywhere(contract)} t={t} />)}
                </div>
              );
            })}
          </Section>
          <Section id="codes" t={t} count={shown.codes.length} lead={t("codes.lead")}>
            <Table t={t} head={["code", "retryable", "met", "meaning"]} label="codes">
              {shown.codes.map((row) => (
                <tr key={row.code} id={`code-${row.code}`} data-testid={`code-${row.code}`}>
                  <th scope="row"><code>{row.code}</code></th><td>{row.retryable ? <b class="good">{t("yes")}</b> : t("no")}</td>
                  <td>{[...row.met.filter((place) => place !== "HTTP"), `HTTP ${row.http}`].join(", ")}</td><td><Prose text={row.meaning} /></td>
                </tr>
              ))}
            </Table>
          </Section>
          <Section id="rates" t={t} count={shown.rates.length} lead={t("rates.lead")}>
            <Table t={t} head={["budget", "setting", "default", "meaning"]} label="rates">
              {shown.rates.map((row) => (
                <tr key={row.setting} id={`rate-${row.setting}`}><td>{row.budget}</td><th scope="row"><code>{row.setting}</code></th><td class="digits">{row.default}</td><td>{row.meaning}</td></tr>
              ))}
            </Table>
          </Section>
          <Section id="states" t={t} count={shown.machines.length} lead={t("states.lead")}>
            {shown.machines.map((machine) => (
              <div key={machine.name} class="docs-class" data-testid="machine">
                <h3 id={`states-${machine.name.replaceAll(" ", "-")}`}>{machine.name}</h3><p class="muted"><Prose text={machine.meaning} /></p>
                <MachineFigure machine={machine} t={t} />
              </div>
            ))}
          </Section>
          <Section id="routes" t={t} count={shown.routes.length} lead={t("routes.lead")}>
            {shown.routes.map((route) => <RouteEntry key={route.id} route={route} t={t} />)}
          </Section>
          <Section id="types" t={t} count={shown.types.length}>{shown.types.map((type) => <TypeEntry key={type.name} type={type} t={t} />)}</Section>
          <Section id="bodies" t={t} count={shown.bodies.length}>{shown.bodies.map((type) => <TypeEntry key={type.name} type={type} t={t} />)}</Section>
        </main>
      </div>
    </div>
  );
}

type Counted = "events" | "commands" | "codes" | "rates" | "states" | "routes" | "types" | "bodies";

function counts(contract: Contract): Record<Counted, number> {
  const { events, commands, codes, rates, machines, routes, types, bodies } = contract;
  return {
    events: events.length, commands: commands.length, codes: codes.length, rates: rates.length, states: machines.length,
    routes: routes.length, types: types.length, bodies: bodies.length,
  };
}

function sum(counted: Record<Counted, number>): number {
  return Object.values(counted).reduce((total, each) => total + each, 0);
}

/** Codes that every command can meet. */
function everywhere(contract: Contract): string[] {
  return contract.codes.map((row) => row.code).filter((code) => contract.commands.every((command) => command.errors.includes(code)));
}

function namespacesOf(contract: Contract): string[] {
  return [...new Set(contract.commands.flatMap((command) => command.namespaces[0] ?? []))];
}

function Connecting({ t }: { t: DocsTranslate }): JSX.Element {
  return (
    <section aria-labelledby="connecting">
      <h2 id="connecting">{t("connecting")}</h2>
      <p><Prose text={t("connecting.sockets", { json: "/socket.io/", msgpack: "/socket.io-msgpack/", live: "/live", console: "/console" })} /></p>
      <p><Prose text={t("connecting.auth")} /></p>
      <Table t={t} head={["field", "meaning"]} label="connecting">
        {(["token", "room", "cursor", "device", "takeover"] as const).map((field) => (
          <tr key={field}><th scope="row"><code>{field}</code>{field !== "token" && field !== "room" && <small class="muted"> {t("optional")}</small>}</th><td><Prose text={t(`auth.${field}`)} /></td></tr>
        ))}
      </Table>
      <p><Prose text={t("connecting.ack", { ok: '{"ok": true, "data": …}', denied: '{"ok": false, "error": {"code": …}}' })} /></p>
      <p class="muted">{t("connecting.files")}: <a href={ASYNCAPI}>AsyncAPI 3</a>, <a href={OPENAPI}>OpenAPI 3.1</a></p>
    </section>
  );
}

function Section({ id, count, lead, children, t }: { id: DocsKey; count: number; lead?: ComponentChildren; children: ComponentChildren; t: DocsTranslate }): JSX.Element | null {
  if (count === 0) return null;
  return <section aria-labelledby={id}><h2 id={id}>{t(id)}</h2>{lead && <p class="muted">{lead}</p>}{children}</section>;
}

/** `level`: of its heading, one below the heading it stands under. */
function Entry({ id, title, level, badges, children, t, testid }: {
  id: string; title: string; level: 3 | 4; badges: ComponentChildren; children: ComponentChildren; t: DocsTranslate; testid: string;
}): JSX.Element {
  const Heading = `h${level}` as const;
  return (
    <article class="panel docs-entry" id={id} data-testid={testid}>
      <header><Heading class="docs-name"><code>{title}</code></Heading><span class="docs-badges">{badges}</span><a class="docs-anchor" href={`#${id}`} aria-label={t("link", { name: title })}>#</a></header>
      {children}
    </article>
  );
}

function EventEntry({ event, t }: { event: Event; t: DocsTranslate }): JSX.Element {
  return (
    <Entry level={4} id={`event-${event.name}`} title={event.name} testid={`event-${event.name}`} t={t} badges={<Badges of={event.namespaces} />}>
      <p><Prose text={event.doc} /></p>
      <Payload type={event.payload} t={t} />
    </Entry>
  );
}

function CommandEntry({ command, common, t }: { command: Command; common: readonly string[]; t: DocsTranslate }): JSX.Element {
  const errors = command.errors.filter((code) => !common.includes(code));
  const badges = (
    <>
      <Badges of={command.namespaces} />
      {command.permission && <span class="badge">{t("permission", { name: command.permission })}</span>}
      {command.roles.length > 0 && <span class="badge tier-vip">{t("roles", { names: command.roles.join(", ") })}</span>}
      {command.rate !== "any" && <span class="badge">{t("rate", { name: command.rate })}</span>}
    </>
  );
  return (
    <Entry level={4} id={`command-${command.name}`} title={command.name} testid={`command-${command.name}`} t={t} badges={badges}>
      <p><Prose text={command.doc} /></p>
      <Payload type={command.payload} t={t} />
      <p class="docs-line"><b>{t("ack")}</b> <Reading type={[{ link: command.ack }]} /></p>
      {errors.length > 0 && <p class="docs-line"><b>{t("errors")}</b> <Codes codes={errors} /></p>}
    </Entry>
  );
}

function RouteEntry({ route, t }: { route: Route; t: DocsTranslate }): JSX.Element {
  return (
    <Entry level={3} id={`route-${route.id}`} title={`${route.method} ${route.path}`} testid={`route-${route.id}`} t={t} badges={<span class="badge tier-vip">{t("roles", { names: route.roles.join(", ") })}</span>}>
      <p><Prose text={route.doc} /></p>
      {route.parameters.length > 0 && (
        <p class="docs-line"><b>{t("parameters")}</b> {route.parameters.map((each) => <span key={each.name}><code>{each.name}</code> <small class="muted">{each.place}{each.required ? "" : `, ${t("optional")}`}</small> </span>)}</p>
      )}
      {route.body.length > 0 && <p class="docs-line"><b>{t("body")}</b> <Reading type={route.body} /></p>}
      <p class="docs-line"><b>{t("answers")}</b> {route.answers.map((each) => <span key={each.status}><code>{each.status}</code> <Reading type={each.type} /> </span>)}</p>
    </Entry>
  );
}

function TypeEntry({ type, t }: { type: NamedType; t: DocsTranslate }): JSX.Element {
  return (
    <Entry level={3} id={`type-${type.name}`} title={type.name.replace(HTTP, "")} testid={`type-${type.name}`} t={t} badges={null}>
      {type.doc && <p><Prose text={type.doc} /></p>}
      {type.values.length > 0 && <p class="docs-line"><b>{t("values")}</b> {type.values.map((value) => <code key={value} class="docs-value">{value}</code>)}</p>}
      {type.fields.length > 0 && <Fields fields={type.fields} label={type.name} t={t} />}
    </Entry>
  );
}

function Payload({ type, t }: { type: NamedType; t: DocsTranslate }): JSX.Element {
  if (type.fields.length === 0) return <p class="muted small">{t("no_payload")}</p>;
  return <Fields fields={type.fields} label={type.name} t={t} />;
}

function Fields({ fields, label, t }: { fields: readonly Field[]; label: string; t: DocsTranslate }): JSX.Element {
  const isTold = fields.some((field) => field.doc);
  return (
    <Table t={t} head={isTold ? ["field", "type", "meaning"] : ["field", "type"]} label={label}>
      {fields.map((field) => (
        <tr key={field.name}>
          <th scope="row"><code>{field.name}</code>{!field.required && <small class="muted"> {t("optional")}</small>}</th>
          <td><Reading type={field.type} /></td>{isTold && <td><Prose text={field.doc} /></td>}
        </tr>
      ))}
    </Table>
  );
}

/** `label`: what the table is of, for who cannot see where it stands. */
function Table({ head, label, children, t }: { head: readonly DocsKey[]; label: string; children: ComponentChildren; t: DocsTranslate }): JSX.Element {
  return (
    <div class="table-scroll" tabIndex={0} role="group" aria-label={label}>
      <table><thead><tr>{head.map((each) => <th key={each} scope="col">{t(each)}</th>)}</tr></thead><tbody>{children}</tbody></table>
    </div>
  );
}

function Reading({ type }: { type: Type }): JSX.Element {
  return <>{type.map((part, index) => ("link" in part ? <a key={index} class="docs-type" href={`#type-${part.link}`}>{part.link.replace(HTTP, "")}</a> : <span key={index}>{part.text}</span>))}</>;
}

function Codes({ codes }: { codes: readonly string[] }): JSX.Element {
  return <>{codes.map((code) => <a key={code} class="docs-code" href={`#code-${code}`}><code>{code}</code></a>)}</>;
}

function Badges({ of }: { of: readonly string[] }): JSX.Element {
  return <>{of.map((namespace) => <span key={namespace} class={`badge${namespace === "/live" ? " tier-main" : ""}`}>{namespace}</span>)}</>;
}

/** Text of the contract, with what stands between backticks as code. */
function Prose({ text }: { text: string }): JSX.Element {
  return <>{text.split("`").map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>;
}

const root = document.getElementById("app");
if (root) render(<App />, root);
