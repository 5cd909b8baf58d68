// An operation told whole, and the operations that belong to it.

import { el, lasting, moment } from "./dom.js";
import { stepsOf } from "./findings.js";
import { orderAround, orderOf } from "./order.js";

// `finding` where the operation is of its proof; `orders` where there are some that explain its object.
export function details(operations, i, finding, orders) {
  const clock = operations.clock;
  const answered = operations.hasReply(i);
  const lines = [];
  const tell = (name, value) => value !== null && value !== "" && lines.push(el("dt", {}, name), el("dd", {}, value));
  const words = { ok: "ok", fail: "failed: it did not happen", info: "unknown: it may have happened" };
  tell("outcome", el("span", { class: `outcome ${operations.outcomeName(i)}` }, words[operations.outcomeName(i)]));
  tell("client", `${operations.client[i]}${operations.nodeName(i) && ` at ${operations.nodeName(i)}`}`);
  const span = answered ? operations.completed(i) - operations.invoked[i] : 0;
  tell("invoked", moment(operations.invoked[i], clock, Math.max(span, 1e6)));
  tell("completed", answered ? `${moment(operations.completed(i), clock, Math.max(span, 1e6))}${clock === "time" ? `, after ${lasting(span)}` : ""}` : "never");
  const line = operations.line(operations.call[i]);
  if (line !== null) tell("line", answered ? `${line} and ${operations.line(operations.call[i] + operations.reply[i])}` : line);
  tell("error", operations.errorText(i));
  const hints = [];
  if (operations.term[i] > 0) hints.push(`term ${operations.term[i] - 1}`);
  if (operations.served[i] > 0) hints.push(`served by ${operations.meta.nodes[operations.served[i] - 1]}`);
  if (operations.version[i] > 0) hints.push(`version ${operations.version[i] - 1}`);
  tell("hints", hints.join(", "));
  if (finding) {
    const step = stepsOf(finding, operations).find((step) => step.op === i);
    tell("in the finding", step?.note ?? "");
  }
  const order = orderOf(orders, i);
  return el("div", { class: "details" }, el("code", {}, operations.action(i)), operations.functionName(i) === "txn" && el("code", { class: "said" }, operations.texts[i]), el("dl", {}, lines), order && orderAround(operations, order, i));
}

// The finding's other operations; of another, those of its key that write or show the same value.
export function partnersOf(operations, i, finding) {
  const steps = finding === null ? [] : stepsOf(finding, operations).map((step) => step.op);
  if (steps.includes(i)) return steps.filter((op) => op !== i);
  const value = valueOf(operations.texts[i]);
  if (operations.key[i] === 0 || value === "" || value === "?") return [];
  const partners = [];
  for (let other = 0; other < operations.count && partners.length < 20; other++) {
    if (other !== i && operations.key[other] === operations.key[i] && valueOf(operations.texts[other]) === value) partners.push(other);
  }
  return partners;
}

// "5", "-> 5" and "3 => 5" are about 5.
function valueOf(text) {
  const arrow = Math.max(text.lastIndexOf("-> "), text.lastIndexOf("=> "));
  return arrow < 0 ? text : text.slice(arrow + 3);
}
