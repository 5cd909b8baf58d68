// Pictures of what a register showed: a stale read with its gap, a lost write with the replicas that lack it.

import { svg, lasting, shortened } from "./dom.js";
import { arrow, BOX_HEIGHT, proofPicture } from "./proof.js";

const RIBBON = 44;

// The lane of a step is its client's; where it was asked stands in the lane's name if it is always the same node.
function clientLanes(steps, operations) {
  const nodes = new Map();
  for (const { op } of steps) nodes.set(operations.client[op], (nodes.get(operations.client[op]) ?? new Set()).add(operations.nodeName(op)));
  const name = (op) => {
    const client = operations.client[op];
    const at = [...nodes.get(client)];
    return at.length === 1 && at[0] !== "" ? `client ${client} · ${at[0]}` : `client ${client}`;
  };
  return { laneOf: ({ op }) => name(op), rows: [...new Set(steps.map(({ op }) => name(op)))] };
}

// Any proof as it is: operations in the lanes of their clients. `culprit` is the place of the one that cannot be.
export function plainPicture(steps, operations, bands, width, culprit = steps.length - 1) {
  const { laneOf, rows } = clientLanes(steps, operations);
  return proofPicture({ steps, operations, bands, rows, laneOf, width, culprit }).picture;
}

// `steps` end with the write that replaced the value and the read that still returned it.
export function stalePicture(steps, operations, bands, width, key) {
  const { laneOf, rows } = clientLanes(steps, operations);
  const made = proofPicture({ steps, operations, bands, rows, laneOf, width, culprit: steps.length - 1, below: RIBBON });
  const { picture, x, y, plot, spans } = made;
  const [newer, read] = [steps.at(-2), steps.at(-1)];
  const acknowledged = spans.at(-2)[1];
  const asked = spans.at(-1)[0];
  if (!Number.isFinite(acknowledged) || asked < acknowledged) return picture;
  const at = x(acknowledged);
  picture.append(svg("line", { x1: at, x2: at, y1: plot.top, y2: plot.bottom + RIBBON - 8, class: "acknowledged" }));
  picture.append(svg("text", { x: at + 5, y: plot.top + 17, class: "small bad" }, `acknowledged; the read began ${lasting(asked - acknowledged)} later`));
  const from = y(laneOf(newer)) + BOX_HEIGHT / 2;
  const to = y(laneOf(read)) + BOX_HEIGHT / 2;
  picture.append(arrow(at, from, x(asked), to, "bad"));
  // What is added to is not replaced: its values are no alternatives.
  if (["write", "cas"].includes(operations.functionName(newer.op))) picture.append(ribbon(made, steps, operations, key));
  return picture;
}

// What a read of the key could return, of the two values: the old one, either, the new one.
function ribbon({ x, plot, spans }, steps, operations, key) {
  const value = (op) => shortened(operations.texts[op].split(/[-=]> /).at(-1), 14);
  const [fresh, stale] = [value(steps.at(-2).op), value(steps.at(-1).op)];
  const [invoked, acknowledged] = spans.at(-2);
  const y = plot.bottom + 6;
  const part = (from, to, text, kind) =>
    to - from > 4 && svg("g", { class: `ribbon ${kind}` }, svg("rect", { x: from, y, width: to - from, height: 24 }), svg("text", { x: (from + to) / 2, y: y + 16, "text-anchor": "middle", class: "small" }, shortened(text, Math.max(3, Math.floor((to - from) / 6.3)))));
  const begin = steps.length > 2 ? x(spans[0][1]) : plot.left;
  return svg(
    "g",
    {},
    svg("text", { x: 4, y: y + 16, class: "small" }, `${shortened(key ?? "", 10)} may be`),
    part(begin, x(invoked), stale, "old"),
    part(x(invoked), x(acknowledged), `${stale} or ${fresh}`, "either"),
    part(x(acknowledged), plot.right, `${fresh}, or newer – not ${stale}`, "new"),
  );
}

// A lane a node: where it was acknowledged, what stood in the way, and what each replica holds in the end.
export function lostPicture(steps, operations, bands, width, replicas, key) {
  // What a dump showed stands in its replica's cell.
  const seen = replicas.length > 0 ? steps.filter((step) => operations.functionName(step.op) !== "dump") : steps;
  if (seen.length === 0) return plainPicture(steps, operations, bands, width);
  const told = seen.map((step) => ({ ...step, who: `client ${operations.client[step.op]}` }));
  const nodes = [...new Set([...told.map(({ op }) => operations.nodeName(op)), ...replicas.map((replica) => replica.node)])].filter((name) => name !== "").sort();
  if (nodes.length === 0) return plainPicture(steps, operations, bands, width);
  const laneOf = ({ op }) => operations.nodeName(op) || "no node";
  const rows = told.some(({ op }) => operations.nodeName(op) === "") ? [...nodes, "no node"] : nodes;
  const cells = replicas.map((replica) => ({ row: replica.node, value: key ? `${key} = ${replica.value}` : replica.value, holds: replica.holds }));
  const { picture, x, y, plot, spans } = proofPicture({ steps: told, operations, bands, rows, laneOf, width, culprit: 0, cells, beyond: true });
  const acknowledged = spans[0][1];
  const lacking = cells.filter((cell) => !cell.holds);
  if (!Number.isFinite(acknowledged) || lacking.length === 0) return picture;
  const from = y(laneOf(told[0])) + BOX_HEIGHT / 2;
  picture.append(svg("line", { x1: x(acknowledged), x2: x(acknowledged), y1: plot.top, y2: plot.bottom, class: "acknowledged" }));
  // Behind the boxes, whose words an arrow would strike through.
  const boxes = picture.querySelector(".step");
  for (const cell of lacking) picture.insertBefore(arrow(x(acknowledged), from, plot.right + 16, y(cell.row) + BOX_HEIGHT / 2, "bad"), boxes);
  return picture;
}
