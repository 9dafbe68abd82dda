/** The contract as the reference page shows it: plain rows made of the AsyncAPI and OpenAPI documents of the gateway. */

type Json = Record<string, any>;

export interface Field {
  name: string;
  required: boolean;
  type: Type;
  doc: string;
}

/** Words and links to named types, in the order they are read. */
export type Type = readonly ({ text: string } | { link: string })[];

export interface NamedType {
  name: string;
  doc: string;
  fields: readonly Field[];
  values: readonly string[];
}

export interface Event {
  name: string;
  kind: string;
  doc: string;
  payload: NamedType;
  namespaces: readonly string[];
}

export interface Command {
  name: string;
  doc: string;
  payload: NamedType;
  ack: string;
  errors: readonly string[];
  namespaces: readonly string[];
  permission: string;
  roles: readonly string[];
  rate: string;
}

export interface CodeRow { code: string; retryable: boolean; http: number; met: readonly string[]; meaning: string }
export interface RateRow { budget: string; setting: string; default: number; meaning: string }
export interface Machine {
  name: string;
  meaning: string;
  states: readonly { name: string; meaning: string }[];
  events: readonly { name: string; meaning: string }[];
  edges: readonly { from: string; to: string; event: string }[];
}

export interface Route {
  id: string;
  method: string;
  path: string;
  doc: string;
  roles: readonly string[];
  parameters: readonly { name: string; place: string; required: boolean }[];
  body: Type;
  answers: readonly { status: string; type: Type }[];
}

export interface Contract {
  version: string;
  introduction: string;
  classes: readonly { name: string; meaning: string }[];
  events: readonly Event[];
  commands: readonly Command[];
  codes: readonly CodeRow[];
  rates: readonly RateRow[];
  machines: readonly Machine[];
  types: readonly NamedType[];
  routes: readonly Route[];
  bodies: readonly NamedType[];
}

const LARGEST = 2 ** 53;
/** Prefix of the types of HTTP bodies, some of which are named as payloads are. */
export const HTTP = "http.";

export function contractOf(asyncapi: Json, openapi: Json): Contract {
  const schemas: Json = asyncapi.components.schemas;
  const named = (schema: Json): NamedType => typeOf(nameIn(schema), schemas[nameIn(schema)], "");
  const messages = Object.entries<Json>(asyncapi.components.messages);
  const within = (key: string): string[] =>
    Object.values<Json>(asyncapi.channels).filter((channel) => key in channel.messages).map((channel) => channel.address);
  return {
    version: asyncapi.info.version,
    introduction: asyncapi.info.description,
    classes: asyncapi["x-classes"],
    events: messages
      .filter(([, message]) => message["x-class"])
      .map(([key, message]) => ({ name: message.name, kind: message["x-class"], doc: message.summary, payload: named(message.payload), namespaces: within(key) })),
    commands: messages
      .filter(([, message]) => message["x-rate"])
      .map(([key, message]) => {
        const [granted, denied] = asyncapi.components.messages[key.replace(/command$/, "ack")].payload.oneOf;
        return {
          name: message.name,
          doc: message.summary,
          payload: named(message.payload),
          ack: nameIn(granted.properties.data),
          errors: denied.properties.error.allOf[1].properties.code.enum,
          namespaces: within(key),
          permission: message["x-permission"] ?? "",
          roles: message["x-roles"] ?? [],
          rate: message["x-rate"],
        };
      }),
    codes: asyncapi["x-codes"],
    rates: asyncapi["x-rates"],
    machines: asyncapi["x-machines"],
    types: Object.entries<Json>(schemas).map(([name, schema]) => typeOf(name, schema, "")),
    routes: Object.entries<Json>(openapi.paths).flatMap(([path, methods]) => Object.entries<Json>(methods).map(([method, route]) => routeOf(method, path, route, openapi))),
    bodies: Object.entries<Json>(openapi.components.schemas).map(([name, schema]) => typeOf(name, schema, HTTP)),
  };
}

function routeOf(method: string, path: string, route: Json, openapi: Json): Route {
  const typed = (content: Json | undefined): Type => (content?.["application/json"] ? words(content["application/json"].schema, HTTP) : []);
  return {
    id: route.operationId,
    method: method.toUpperCase(),
    path: `${openapi.servers?.[0]?.url ?? ""}${path}`,
    doc: route.description ?? route.summary ?? "",
    roles: route["x-roles"] ?? [],
    parameters: (route.parameters ?? []).map((each: Json) => ({ name: each.name, place: each.in, required: each.required === true })),
    body: typed(route.requestBody?.content),
    answers: Object.entries<Json>(route.responses).map(([status, answer]) => ({ status, type: typed(answer.content) })),
  };
}

function typeOf(name: string, schema: Json, prefix: string): NamedType {
  const required: string[] = schema.required ?? [];
  return {
    name: prefix + name,
    doc: schema.description ?? "",
    fields: Object.entries<Json>(schema.properties ?? {}).map(([field, part]) => ({
      name: field,
      required: required.includes(field),
      type: words(part, prefix),
      doc: part.description ?? "",
    })),
    values: schema.enum ?? [],
  };
}

/** What a schema says, in words. */
export function words(schema: Json, prefix: string): Type {
  const told = [...plainWords(schema, prefix)];
  const given = schema.default;
  const isTelling = given !== undefined && given !== null && given !== "" && !(Array.isArray(given) && given.length === 0);
  return isTelling ? [...told, { text: `, default ${JSON.stringify(given)}` }] : told;
}

function plainWords(schema: Json, prefix: string): Type {
  if (schema.$ref) return [{ link: prefix + nameIn(schema) }];
  if (schema.allOf?.length === 1) return plainWords(schema.allOf[0], prefix);
  const choices: Json[] | undefined = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((choice, index) => [...(index ? [{ text: " or " }] : []), ...words(choice, prefix)]);
  if (schema.const !== undefined) return [{ text: JSON.stringify(schema.const) }];
  if (schema.enum) return [{ text: schema.enum.map((value: unknown) => JSON.stringify(value)).join(" or ") }];
  if (schema.type === "array") return [{ text: "list of " }, ...plainWords(schema.items ?? {}, prefix)];
  if (schema.type === "object" && schema.additionalProperties) return [{ text: "map of string to " }, ...plainWords(schema.additionalProperties, prefix)];
  return [{ text: `${schema.type ?? "anything"}${bounds(schema)}` }];
}

function bounds(schema: Json): string {
  if (schema.pattern) return ` matching ${schema.pattern}`;
  const isText = schema.type === "string";
  const low: number | undefined = isText ? schema.minLength : schema.minimum;
  const high: number | undefined = isText ? schema.maxLength : schema.maximum;
  const unit = isText ? " characters" : "";
  if (high === undefined || high >= LARGEST) return low ? ` (from ${low}${unit})` : "";
  return low === undefined ? ` (at most ${high}${unit})` : ` (${low} to ${high}${unit})`;
}

function nameIn(schema: Json): string {
  return String(schema.$ref).split("/").pop() ?? "";
}

// ---- search

/** The contract with only what holds every word of the query, in its name, its fields, its codes or what is said of it. */
export function matching(contract: Contract, query: string): Contract {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return contract;
  const holds = (...parts: readonly unknown[]): boolean => {
    const all = parts.flat(2).join(" ").toLowerCase();
    return wanted.every((word) => all.includes(word));
  };
  const said = (type: NamedType) => [type.name, type.doc, ...type.fields.map((field) => `${field.name} ${field.doc} ${textOf(field.type)}`), ...type.values];
  return {
    ...contract,
    events: contract.events.filter((each) => holds(each.name, each.kind, each.doc, each.namespaces, said(each.payload))),
    commands: contract.commands.filter((each) => holds(each.name, each.doc, each.ack, each.errors, each.namespaces, each.permission, each.roles, each.rate, said(each.payload))),
    codes: contract.codes.filter((each) => holds(each.code, each.meaning, each.met, each.retryable ? "retryable" : "")),
    rates: contract.rates.filter((each) => holds(each.budget, each.setting, each.meaning)),
    machines: contract.machines.filter((each) => holds(each.name, each.meaning, each.edges.map((edge) => `${edge.from} ${edge.to} ${edge.event}`))),
    types: contract.types.filter((each) => holds(said(each))),
    routes: contract.routes.filter((each) => holds(each.method, each.path, each.doc, each.roles, each.parameters.map((one) => one.name), textOf(each.body))),
    bodies: contract.bodies.filter((each) => holds(said(each))),
  };
}

export function textOf(type: Type): string {
  return type.map((part) => ("link" in part ? part.link : part.text)).join("");
}

// ---- state machines as pictures

export interface Box { name: string; x: number; y: number; width: number; height: number; isFirst: boolean; isLast: boolean }
export interface Arrow { from: string; to: string; label: string; path: string; label_x: number; label_y: number; anchor: "start" | "end" }
export interface Picture { width: number; height: number; boxes: readonly Box[]; arrows: readonly Arrow[] }

const BOX_WIDTH = 112;
const PORT = 18;
const GAP = 22;
const LANE = 14;
const LETTER = 6.3;
const CORNER = 7;

/** States in a column; steps onward go down on the right, steps back go up on the left. No two lines share a lane where they meet. */
export function picture(machine: Machine): Picture {
  const order = machine.states.map((state) => state.name);
  const steps = merged(machine).map((edge) => ({ ...edge, at: order.indexOf(edge.from), end: order.indexOf(edge.to) }));
  const sides = { right: steps.filter((step) => step.end > step.at), left: steps.filter((step) => step.end < step.at) };
  const ports = order.map((_, index) => Math.max(...Object.values(sides).map((side) => side.filter((step) => step.at === index || step.end === index).length)));
  const heights = ports.map((count) => Math.max(36, PORT * count + 8));
  const tops = heights.map((_, index) => heights.slice(0, index).reduce((sum, height) => sum + height + GAP, 1));
  const lead = { right: leadOf(sides.right), left: leadOf(sides.left) };
  const lanes = { right: laned(sides.right), left: laned(sides.left) };
  const widthOf = (side: "right" | "left") => (sides[side].length ? lead[side] + (Math.max(...lanes[side]) + 1) * LANE + 2 : 2);
  const left = widthOf("left");
  const boxes = order.map((name, index) => ({
    name, x: left, y: tops[index] ?? 0, width: BOX_WIDTH, height: heights[index] ?? 36,
    isFirst: index === 0, isLast: !machine.edges.some((edge) => edge.from === name),
  }));
  const arrows = (["right", "left"] as const).flatMap((side) => {
    const portOf = portsOf(sides[side], boxes);
    return sides[side].map((step, index) => {
      const edge = side === "right" ? left + BOX_WIDTH : left;
      const way = side === "right" ? 1 : -1;
      const lane = edge + way * (lead[side] + (lanes[side][index] ?? 0) * LANE);
      const [start, end] = [portOf(step, step.at), portOf(step, step.end)];
      const down = end > start ? 1 : -1;
      return {
        from: step.from, to: step.to, label: step.label,
        path: `M${edge} ${start}H${lane - way * CORNER}Q${lane} ${start} ${lane} ${start + down * CORNER}V${end - down * CORNER}Q${lane} ${end} ${lane - way * CORNER} ${end}H${edge + way * 2}`,
        label_x: edge + way * 6, label_y: start - 4, anchor: side === "right" ? ("start" as const) : ("end" as const),
      };
    });
  });
  const last = boxes[boxes.length - 1];
  return { width: left + BOX_WIDTH + widthOf("right"), height: last ? last.y + last.height + 1 : 0, boxes, arrows };
}

interface Step { from: string; to: string; label: string; at: number; end: number }

/** One line for all events that lead from one state to another. */
function merged(machine: Machine): { from: string; to: string; label: string }[] {
  const lines = new Map<string, { from: string; to: string; label: string }>();
  for (const { from, to, event } of machine.edges) {
    const known = lines.get(`${from} ${to}`);
    lines.set(`${from} ${to}`, { from, to, label: known ? `${known.label}, ${event}` : event });
  }
  return [...lines.values()];
}

function leadOf(steps: readonly Step[]): number {
  return 24 + Math.max(0, ...steps.map((step) => step.label.length)) * LETTER;
}

/** Short ways run inside, and ways that share a stretch run beside each other. */
function laned(steps: readonly Step[]): number[] {
  const lanes = new Array<number>(steps.length).fill(0);
  const taken: Step[][] = [];
  const span = (step: Step) => [Math.min(step.at, step.end), Math.max(step.at, step.end)] as const;
  const order = steps.map((_, index) => index).sort((one, other) => Math.abs((steps[one] as Step).at - (steps[one] as Step).end) - Math.abs((steps[other] as Step).at - (steps[other] as Step).end));
  for (const index of order) {
    const step = steps[index] as Step;
    const [low, high] = span(step);
    const meets = (other: Step) => span(other)[0] <= high && low <= span(other)[1];
    let lane = taken.findIndex((lane) => !lane.some(meets));
    if (lane < 0) lane = taken.push([]) - 1;
    taken[lane]?.push(step);
    lanes[index] = lane;
  }
  return lanes;
}

/** Where a line meets a box: those that come from above meet it above those that go below. */
function portsOf(steps: readonly Step[], boxes: readonly Box[]): (step: Step, index: number) => number {
  const meeting = boxes.map((_, index) => {
    const otherEnd = (step: Step) => (step.at === index ? step.end : step.at);
    return steps
      .filter((step) => step.at === index || step.end === index)
      .sort((one, other) => Number(otherEnd(one) > index) - Number(otherEnd(other) > index) || otherEnd(other) - otherEnd(one));
  });
  return (step, index) => {
    const here = meeting[index] ?? [];
    const box = boxes[index] as Box;
    return box.y + box.height / 2 + (here.indexOf(step) - (here.length - 1) / 2) * PORT;
  };
}
