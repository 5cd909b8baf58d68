// The longest order that explains an object up to a violation: what it holds after each operation, and what cannot be next.

import { el, plural, shortened } from "./dom.js";

// Around an operation that is pointed at, so many before and after it are told.
const NEIGHBOURS = 3;

// The orders of a finding by the operations of this page, the longest first; null where there are none.
export function ordersOf(finding, operations) {
  const explained = finding?.extra?.explained;
  if (!explained || operations === null) return null;
  const orders = explained.orders.map(({ before, steps, stuck }) => {
    const told = steps.map(({ event, state }, i) => ({ op: operations.ofEvent(event), state, number: before + i + 1 })).filter(({ op }) => op >= 0);
    return { before, steps: told, stuck: stuck.map((event) => operations.ofEvent(event)).filter((op) => op >= 0), at: new Map(told.map((step, i) => [step.op, i])) };
  });
  return { isLongest: explained.is_longest, orders };
}

// The longest order with an operation, or that it cannot go on.
export function orderOf(orders, op) {
  return orders?.orders.find((order) => order.at.has(op)) ?? orders?.orders.find((order) => order.stuck.includes(op)) ?? null;
}

// An operation in its order, with what stands around it.
export function orderAround(operations, order, op) {
  const at = order.at.get(op) ?? order.steps.length;
  const shown = order.steps.slice(Math.max(0, at - NEIGHBOURS), at + NEIGHBOURS + 1);
  const row = (step) => el("li", { class: step.op === op ? "here" : "" }, el("span", { class: "number" }, step.number), " ", el("code", {}, shortened(operations.action(step.op), 40)), el("span", { class: "said" }, ` then ${shortened(step.state, 40)}`));
  const isEnd = at + NEIGHBOURS >= order.steps.length - 1;
  const end = (stuck) => el("li", { class: stuck === op ? "here stuck" : "stuck" }, "✗ ", el("code", {}, shortened(operations.action(stuck), 40)), el("span", { class: "said" }, " cannot be next"));
  return el("div", { class: "order-around" }, el("div", { class: "said" }, "The longest order found with it, and what the object holds after each step:"), el("ol", {}, shown.map(row), isEnd && order.stuck.slice(0, 3).map(end)));
}

// The longest order as a table. `light` is told the operation of a row that is pointed at, `go` of one that is clicked.
export function orderSection(finding, operations, light, go) {
  const orders = ordersOf(finding, operations);
  const longest = orders?.orders[0];
  if (!longest) return null;
  const row = (op, kind, cells) => el("tr", { class: kind, "data-order": op, tabindex: 0, onpointerenter: () => light(op), onfocus: () => light(op), onclick: () => go(op), onkeydown: (event) => event.key === "Enter" && go(op) }, cells.map((cell) => el("td", {}, cell)));
  const who = (op) => [`client ${operations.client[op]}`, operations.nodeName(op) && ` at ${operations.nodeName(op)}`];
  const what = (op) => el("code", {}, shortened(operations.action(op), 120));
  const placed = ({ op, state, number }) => row(op, "", [number, what(op), who(op), el("code", {}, state)]);
  const last = longest.steps.at(-1)?.state ?? "as it was at first";
  const stuck = (op) => row(op, "stuck", ["✗", what(op), who(op), [`cannot be next: it holds ${last}`]]);
  const head = ["", "operation", "who", "what the object then holds"].map((text) => el("th", { scope: "col" }, text));
  const object = finding.key ? `of ${shortened(finding.key, 40)}` : "of the object";
  const length = longest.steps.length + longest.before;
  const known = orders.isLongest ? "No order explains more." : "Longer ones may exist: not all orders were tried.";
  return el(
    "details",
    { class: "order", open: longest.steps.length + longest.stuck.length <= 14 },
    el("summary", {}, el("h3", {}, `Up to here it can be explained: ${plural(length, "operation")} ${object} in an order`)),
    el("p", { class: "said" }, `The longest order of its operations that respects real time and explains every answer, up to the violation. ${known}`, longest.before > 0 && ` The first ${longest.before} are not shown.`),
    el("div", { class: "scroll" }, el("table", { class: "order-table" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, longest.steps.map(placed), longest.stuck.map(stuck)))),
  );
}
