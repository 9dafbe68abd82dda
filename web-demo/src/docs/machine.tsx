/** A state machine as a picture, and as a table for who does not see it. */
import type { JSX } from "preact";
import type { DocsTranslate } from "./text";
import { picture, type Machine } from "./model";

export function MachineFigure({ machine, t }: { machine: Machine; t: DocsTranslate }): JSX.Element {
  const { width, height, boxes, arrows } = picture(machine);
  const isNamed = machine.edges.some((edge) => edge.event);
  const head = `head-${machine.name.replaceAll(" ", "-")}`;
  return (
    <figure class="machine">
      <div class="machine-scroll" tabIndex={0} role="group" aria-label={t("diagram", { name: machine.name })}>
        <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={t("diagram", { name: machine.name })}>
          <defs>
            <marker id={head} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" /></marker>
          </defs>
          {arrows.map((arrow) => (
            <g class="machine-step" key={`${arrow.from} ${arrow.to}`} data-from={arrow.from} data-to={arrow.to}>
              <path d={arrow.path} marker-end={`url(#${head})`} />
              {arrow.label && <text x={arrow.label_x} y={arrow.label_y} text-anchor={arrow.anchor}>{arrow.label}</text>}
            </g>
          ))}
          {boxes.map((box) => (
            <g class={`machine-state${box.isFirst ? " is-first" : ""}${box.isLast ? " is-last" : ""}`} key={box.name}>
              <rect x={box.x} y={box.y} width={box.width} height={box.height} rx="10" />
              <text x={box.x + box.width / 2} y={box.y + box.height / 2} dominant-baseline="central" text-anchor="middle">{box.name}</text>
            </g>
          ))}
        </svg>
      </div>
      <div class="table-scroll" tabIndex={0} role="group" aria-label={machine.name}>
        <table>
          <thead><tr><th scope="col">{t("from")}</th>{isNamed && <th scope="col">{t("event")}</th>}<th scope="col">{t("to")}</th></tr></thead>
          <tbody>
            {machine.edges.map((edge) => (
              <tr key={`${edge.from} ${edge.event} ${edge.to}`}><td><code>{edge.from}</code></td>{isNamed && <td><code>{edge.event}</code></td>}<td><code>{edge.to}</code></td></tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl class="machine-words">
        {[...machine.states, ...machine.events].filter((each) => each.meaning).map((each) => (
          <div key={each.name}><dt><code>{each.name}</code></dt><dd>{each.meaning}</dd></div>
        ))}
      </dl>
    </figure>
  );
}
