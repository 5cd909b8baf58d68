// A proof on a timeline: its operations in lanes, the faults in force, and what contradicts what.

import { svg, lasting, moment, shortened } from "./dom.js";
import { Moments } from "./moments.js";

const LANE = 74;
const BOX = 30;
// Above the lanes stand the moments, and the names of faults if there are some.
const TOP = 26;
const FAULT_NAMES = 30;
const CHARACTER = 7.3;
// Moments that are closer than this share of the whole need not be told apart.
const CLOSE = 1e-4;
// Room before a moment that is not named.
const UNNAMED = 14;

// `laneOf(step)` names the lane of a step; `rows` are the lanes in order, with `ends`, a cell at the right, for some.
// `beyond` says whether faults before and after the operations are shown, too.
export function proofPicture({ steps, operations, bands, rows, laneOf, width, culprit, cells = [], below = 0, beyond = false }) {
  const spans = steps.map(({ op }) => [operations.invoked[op], operations.hasReply(op) ? operations.completed(op) : Infinity]);
  const titles = steps.map(({ op, number }) => `${number}  ${shortened(operations.action(op), 34)}`);
  const rooms = titles.map((title) => title.length * CHARACTER + 18);
  const left = Math.max(86, ...rows.map((row) => row.length * 7.4 + 20));
  const right = cells.length > 0 ? 250 : 16;
  const limits = beyond ? [-Infinity, Infinity] : [Math.min(...spans.map(([from]) => from)), Math.max(...spans.flat().filter(Number.isFinite))];
  const changes = bands.flatMap((band) => [band.from, band.to]).filter((at) => Number.isFinite(at) && at >= limits[0] && at <= limits[1]);
  const all = [...spans, ...changes.map((at) => [at, at])];
  const labels = labelsOf(all, operations);
  // Two labels do not overlap.
  const room = Math.max(4, ...[...labels.values()].map((label) => label.length)) * 6.4 + 10;
  const clock = new Moments(all, [...rooms, ...changes.map(() => 0)], (at) => (labels.get(at) === "" ? UNNAMED : room)).fill(width - left - right);
  const x = (position) => left + clock.x(position);
  const top = bands.length > 0 ? TOP + FAULT_NAMES : TOP;
  const y = (row) => top + 34 + rows.indexOf(row) * LANE;
  const height = top + 22 + rows.length * LANE + below;
  const whole = left + clock.width + right;
  const picture = svg("svg", { viewBox: `0 0 ${whole} ${height}`, width: whole, height, class: "picture", role: "img" });
  const plot = { left, right: left + clock.width, top, bottom: top + 22 + rows.length * LANE };
  for (const [place, band] of bands.entries()) picture.append(fault(band, x, plot, place));
  for (const row of rows) picture.append(lane(row, y(row), plot));
  picture.append(axis(clock, labels, x, plot));
  steps.forEach((step, i) => picture.append(box(step, titles[i], spans[i], operations, x, y(laneOf(step)), i === culprit)));
  for (const cell of cells) if (rows.includes(cell.row)) picture.append(replica(cell, plot.right + 18, y(cell.row)));
  return { picture, x, y, plot, spans, whole, height };
}

// What stands at each moment of the axis: so many digits that neighbours differ, but for those that are too close together beside
// the whole, of which the first alone is named.
function labelsOf(spans, operations) {
  const times = [...new Set(spans.flat().filter(Number.isFinite))].sort((a, b) => a - b);
  const gaps = times.slice(1).map((next, i) => next - times[i]);
  const smallest = Math.max(1, (times.at(-1) - times[0]) * CLOSE, Math.min(...gaps, 1e9));
  const text = (at) => (operations.clock === "place" ? moment(at, "place") : times.at(-1) < 1e5 ? `${at} ns` : moment(at, "time", smallest * 20));
  return new Map(times.map((at, i) => [at, i > 0 && text(at) === text(times[i - 1]) ? "" : text(at)]));
}

function fault(band, x, plot, place) {
  const [from, to] = [Math.max(plot.left - 6, x(band.from)), Math.min(plot.right, x(band.to))];
  const text = shortened(`${band.name}: ${band.what}`, Math.max(12, Math.floor((plot.right - from) / 6.2)));
  return svg(
    "g",
    {},
    svg("title", {}, `${band.name}: ${band.what}; ${band.applied}${band.evidence ? `: ${band.evidence}` : ""}`),
    svg("rect", { x: from, y: plot.top, width: Math.max(2, to - from), height: plot.bottom - plot.top, class: "fault" }),
    svg("rect", { x: from, y: plot.top, width: Math.max(2, to - from), height: 3, class: "fault-edge" }),
    place < 2 && svg("text", { x: from + 4, y: 13 + place * 14, class: "small fault-text" }, `▾ ${text}`),
  );
}

function lane(name, y, plot) {
  return svg("g", {}, svg("line", { x1: plot.left, x2: plot.right, y1: y + BOX / 2, y2: y + BOX / 2, class: "lane" }), svg("text", { x: 4, y: y + BOX / 2 + 4, class: "lane-name" }, name));
}

function axis(clock, labels, x, plot) {
  const inner = clock.at.map((at) =>
    svg("g", {}, svg("line", { x1: x(at), x2: x(at), y1: plot.top, y2: plot.bottom, class: "tick" }), svg("text", { x: x(at), y: plot.top - 6, class: "small", "text-anchor": "middle" }, labels.get(at))),
  );
  return svg("g", {}, inner);
}

function box(step, title, [from, to], operations, x, y, culprit) {
  const [left, right] = [x(from), x(to)];
  const name = operations.outcomeName(step.op);
  const open = to === Infinity;
  const width = Math.max(6, right - left);
  return svg(
    "g",
    { class: `step ${name}${culprit ? " culprit" : ""}`, "data-op": step.op, tabindex: 0 },
    svg("title", {}, `${operations.action(step.op)}: client ${operations.client[step.op]}${operations.nodeName(step.op) ? ` at ${operations.nodeName(step.op)}` : ""}, ${open ? "never answered" : lasting(to - from)}`),
    svg("rect", { x: left, y, width, height: BOX, rx: 5, class: open ? "open" : "" }),
    svg("text", { x: left + 8, y: y + BOX / 2 + 4.5, class: "action" }, title),
    svg("text", { x: left + 2, y: y + BOX + 14, class: "small note" }, shortened([step.who, step.note].filter(Boolean).join(": "), Math.max(30, Math.floor(width / 6)))),
  );
}

// What a replica held in the end.
function replica(cell, x, y) {
  return svg(
    "g",
    { class: `replica ${cell.holds ? "holds" : "lacks"}` },
    svg("title", {}, `${cell.row} held ${cell.value}`),
    svg("rect", { x, y, width: 224, height: BOX, rx: 5 }),
    svg("text", { x: x + 10, y: y + BOX / 2 + 4.5, class: "action" }, shortened(`${cell.holds ? "✓" : "✗"} ${cell.value}`, 27)),
    svg("text", { x: x + 2, y: y + BOX + 14, class: "small note" }, cell.holds ? "holds it in the end" : "in the end: it is not here"),
  );
}

export function arrow(x1, y1, x2, y2, kind, text = null, at = 0.5) {
  const middle = [(x1 + x2) / 2, (y1 + y2) / 2];
  const bend = x2 - x1 > 40 ? `M${x1} ${y1}C${x1 + (x2 - x1) / 2} ${y1} ${x1 + (x2 - x1) / 2} ${y2} ${x2} ${y2}` : `M${x1} ${y1}L${x2} ${y2}`;
  const angle = Math.atan2(x2 - x1 > 40 ? 0 : y2 - y1, x2 - x1);
  return svg("g", { class: `arrow ${kind}` }, svg("path", { d: bend }), svg("path", { d: tip(x2, y2, angle), class: "tip" }), text !== null && svg("text", { x: x1 + (x2 - x1) * at, y: middle[1] - 6, "text-anchor": "middle", class: "small" }, text));
}

// The point of an arrow that comes from this direction.
export function tip(x, y, angle) {
  const corner = (by) => `${x - 9 * Math.cos(angle + by)} ${y - 9 * Math.sin(angle + by)}`;
  return `M${x} ${y}L${corner(0.42)}L${corner(-0.42)}Z`;
}

export const BOX_HEIGHT = BOX;
