// A proof that is a circle: a box for each operation, an arrow for each reason why one comes before another.

import { el, svg, shortened } from "./dom.js";
import { tip } from "./proof.js";

const BOX = 232;
const LINE = 17;
const LINES_MAX = 7;

// The picture, and the reasons as a list; each lights up the other.
export function cyclePicture(relations, steps, operations, width) {
  const order = orderOf(relations);
  const notes = new Map(steps.map((step) => [step.op, step.note]));
  const boxes = order.map((op) => boxOf(op, notes.get(op) ?? "", operations));
  const size = lay(boxes, Math.max(width, 560));
  const picture = svg("svg", { viewBox: `0 0 ${size.width} ${size.height}`, width: size.width, height: size.height, class: "picture", role: "img" });
  const light = (number) => {
    for (const one of [...picture.querySelectorAll("[data-reason]"), ...list.children]) one.classList.toggle("lit", Number(one.dataset.reason) === number);
  };
  const list = el("ol", { class: "reasons-of" }, relations.map((relation) => reason(relation, light)));
  const pairs = new Map();
  for (const relation of relations) {
    const id = [relation.a, relation.b].sort().join("-");
    const among = pairs.get(id) ?? [];
    among.push(relation);
    pairs.set(id, among);
  }
  for (const relation of relations) {
    const among = pairs.get([relation.a, relation.b].sort().join("-"));
    picture.append(edge(relation, boxes[order.indexOf(relation.a)], boxes[order.indexOf(relation.b)], size, among, light));
  }
  for (const box of boxes) picture.append(drawn(box));
  return el("div", {}, el("div", { class: "scroll" }, picture), list);
}

// Along the cycle first, then what else the proof rests on.
function orderOf(relations) {
  const order = [];
  const add = (op) => !order.includes(op) && order.push(op);
  for (const { a, b } of relations.filter((one) => one.onCycle)) [a, b].forEach(add);
  for (const { a, b } of relations) [a, b].forEach(add);
  return order;
}

function boxOf(op, note, operations) {
  const name = /^T\d+$/.test(note) ? note : "";
  const title = [name, `client ${operations.client[op]}`, operations.nodeName(op) && `at ${operations.nodeName(op)}`].filter(Boolean).join(" · ");
  const lines = microsOf(operations, op);
  const shown = lines.length > LINES_MAX ? [...lines.slice(0, LINES_MAX - 1), `… ${lines.length - LINES_MAX + 1} more`] : lines;
  return { op, title, lines: shown, height: 30 + shown.length * LINE, whole: operations.action(op), outcome: operations.outcomeName(op) };
}

// A transaction's micro-operations, one a line; another operation is one line.
function microsOf(operations, op) {
  return operations.functionName(op) === "txn" ? operations.micros(op) : [operations.action(op)];
}

// Two beside each other, more around a circle.
function lay(boxes, width) {
  const tallest = Math.max(...boxes.map((box) => box.height));
  if (boxes.length <= 2) {
    const gap = Math.min(360, width - 2 * BOX - 40);
    boxes.forEach((box, i) => Object.assign(box, { x: width / 2 + (i === 0 ? -gap / 2 - BOX / 2 : gap / 2 + BOX / 2), y: tallest / 2 + 72 }));
    return { width, height: tallest + 144 };
  }
  const radius = [Math.min(width / 2 - BOX / 2 - 12, 110 + boxes.length * 46), 70 + boxes.length * 22 + tallest / 2];
  const centre = [width / 2, radius[1] + tallest / 2 + 16];
  boxes.forEach((box, i) => {
    const angle = -Math.PI / 2 + ((i + (boxes.length % 2 === 0 ? 0.5 : 0)) / boxes.length) * 2 * Math.PI;
    Object.assign(box, { x: centre[0] + radius[0] * Math.cos(angle), y: centre[1] + radius[1] * Math.sin(angle) });
  });
  return { width, height: centre[1] + radius[1] + tallest / 2 + 16 };
}

function drawn(box) {
  const [left, top] = [box.x - BOX / 2, box.y - box.height / 2];
  return svg(
    "g",
    { class: `node ${box.outcome}` },
    svg("title", {}, box.whole),
    svg("rect", { x: left, y: top, width: BOX, height: box.height, rx: 7 }),
    svg("text", { x: left + 10, y: top + 17, class: "small strong" }, box.title),
    box.lines.map((line, i) => svg("text", { x: left + 10, y: top + 35 + i * LINE, class: "action" }, shortened(line, 30))),
  );
}

// A bent arrow from the edge of one box to the edge of the other, with its number in the middle.
function edge(relation, from, to, size, among, light) {
  const place = among.indexOf(relation);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  // Arrows there and back bend to different sides; several the same way bend differently much.
  const bend = (among.length === 1 ? 0.08 : 0.22 + 0.16 * Math.floor(place / 2)) * length;
  const middle = [(from.x + to.x) / 2 - (dy / length) * bend * -1, (from.y + to.y) / 2 + (dx / length) * bend * -1];
  const start = border(from, middle);
  const end = border(to, middle);
  const label = [0.25 * start[0] + 0.5 * middle[0] + 0.25 * end[0], 0.25 * start[1] + 0.5 * middle[1] + 0.25 * end[1]];
  const angle = Math.atan2(end[1] - middle[1], end[0] - middle[0]);
  const words = shortened(labelOf(relation), 26);
  const room = words.length * 6.4 + 30;
  return svg(
    "g",
    { class: `edge ${relation.onCycle ? "on-cycle" : "reason"} ${relation.kind}`, "data-reason": relation.number, tabindex: 0, onclick: () => light(relation.number), onfocus: () => light(relation.number), onpointerenter: () => light(relation.number) },
    svg("title", {}, relation.reason),
    svg("path", { d: `M${start}Q${middle} ${end}` }),
    svg("path", { d: tip(end[0], end[1], angle), class: "tip" }),
    svg("rect", { x: label[0] - room / 2, y: label[1] - 11, width: room, height: 22, rx: 11, class: "label" }),
    svg("text", { x: label[0] - room / 2 + 10, y: label[1] + 4.5, class: "small strong" }, relation.number),
    svg("text", { x: label[0] - room / 2 + 24, y: label[1] + 4.5, class: "small" }, words),
  );
}

// Where the line from a box's middle to a point leaves the box.
function border(box, [x, y]) {
  const [dx, dy] = [x - box.x, y - box.y];
  const scale = Math.min((BOX / 2 + 4) / Math.abs(dx || 1e-9), (box.height / 2 + 4) / Math.abs(dy || 1e-9));
  return [box.x + dx * Math.min(1, scale), box.y + dy * Math.min(1, scale)];
}

const KINDS = { session: "session order", "real-time": "real time", "write-read": "read from", "write-write": "replaced", "read-write": "read, then replaced", "same-value": "the same value" };

// A few words for an arrow.
function labelOf({ kind, key }) {
  return { "write-read": `read ${key}`, "write-write": `${key} replaced`, "read-write": `${key} overwritten`, "same-value": `${key}: the same value` }[kind] ?? KINDS[kind] ?? kind;
}

function reason(relation, light) {
  return el("li", { "data-reason": relation.number, class: relation.onCycle ? "on-cycle" : "reason", tabindex: 0, onpointerenter: () => light(relation.number), onfocus: () => light(relation.number) }, el("span", { class: "number" }, relation.number), el("span", { class: "why" }, relation.reason, " ", el("span", { class: "said" }, relation.onCycle ? KINDS[relation.kind] : `a reason (${KINDS[relation.kind]})`)));
}
