// The models, the strongest on top, coloured by what is known of each; and every verdict as a table.

import { el, svg, milliseconds, replaced } from "./dom.js";
import { badge, verdictTone, verdictWord } from "./head.js";

// What is known of each model on the ladder, by a verdict of its own or by what implies it.
function known(page, run) {
  const verdicts = new Map((run.outcome.verdicts ?? []).map((verdict) => [verdict.model, verdict]));
  const arrows = run.implications;
  const below = reach(arrows);
  const found = new Map();
  for (const { name } of page.models) {
    const own = verdicts.get(name);
    if (own && own.verdict !== "not-applicable") {
      found.set(name, { ...own, own: true });
      continue;
    }
    // What is not applicable is neither held nor violated by way of another.
    if (own) continue;
    const from = [...verdicts.values()];
    const held = from.find((other) => other.verdict === "valid" && below.get(other.model)?.has(name));
    const broken = from.find((other) => other.verdict === "invalid" && below.get(name)?.has(other.model));
    if (held) found.set(name, { model: name, verdict: "valid", own: false, why: `follows from ${held.model}, which held` });
    else if (broken) found.set(name, { model: name, verdict: "invalid", own: false, why: `it would imply ${broken.model}, which is violated` });
  }
  return found;
}

function reach(arrows) {
  const next = new Map();
  for (const [stronger, weaker] of arrows) next.set(stronger, [...(next.get(stronger) ?? []), weaker]);
  const all = new Map();
  for (const start of next.keys()) {
    const seen = new Set();
    const open = [...next.get(start)];
    while (open.length > 0) {
      const model = open.pop();
      if (seen.has(model)) continue;
      seen.add(model);
      open.push(...(next.get(model) ?? []));
    }
    all.set(start, seen);
  }
  return all;
}

// Isolation levels are shown where the run has transactions: where one of them has a verdict.
const SESSION_MODELS = ["linearizable", "sequential", "real-time-causal", "causal-memory", "causal-convergence", "causal", "pram", "writes-follow-reads", "monotonic-writes", "monotonic-reads", "read-your-writes"];

export function ladderSection(page, run) {
  const found = known(page, run);
  const onLadder = new Set(run.implications.flat());
  const levels = run.history?.functions.includes("txn") ?? false;
  const shown = page.models.map((model) => model.name).filter((name) => onLadder.has(name) && (levels ? true : SESSION_MODELS.includes(name)));
  if (!shown.some((name) => found.has(name))) return null;
  const rows = layers(shown, run.implications);
  const told = el("p", { class: "about", role: "status" }, "Each model implies those below that it is joined to. Choose one to read what it means.");
  const chips = new Map();
  const chip = (name) => {
    const one = found.get(name);
    const tone = one ? verdictTone({ ...one, expected: one.expected }) : "none";
    const word = one ? (one.own ? verdictWord(one.verdict) : `${verdictWord(one.verdict)} too`) : "not looked at";
    const about = page.models.find((model) => model.name === name)?.about ?? "";
    const button = el("button", { class: `rung ${tone}${one && !one.own ? " follows" : ""}`, title: about, onclick: () => replaced(told, el("strong", {}, name), `: ${about} `, one ? badge(one) : "It was not looked at.", one?.why ? ` ${one.why}.` : "") }, el("span", { class: "glyph", "aria-hidden": "true" }, one ? { valid: "✓", invalid: "✗", unknown: "?" }[one.verdict] : "·"), ` ${name} `, el("span", { class: "said" }, word));
    chips.set(name, button);
    return button;
  };
  const grid = el("div", { class: "rungs" }, rows.map((row) => el("div", { class: "rung-row" }, row.map(chip))));
  const lines = svg("svg", { class: "rung-lines", "aria-hidden": "true" });
  const box = el("div", { class: "ladder-box" }, lines, grid);
  const join = () => connect(box, lines, chips, direct(shown, run.implications));
  new ResizeObserver(join).observe(box);
  return el("section", { class: "ladder", id: "ladder" }, el("div", { class: "section-head" }, el("h2", {}, "The ladder of models")), el("div", { class: "scroll" }, box), told);
}

// Each model one row below all that imply it; two that imply each other share a row.
function layers(names, arrows) {
  const below = reach(arrows);
  const both = (a, b) => below.get(a)?.has(b) && below.get(b)?.has(a);
  const depth = new Map();
  const of = (name) => {
    if (depth.has(name)) return depth.get(name);
    depth.set(name, 0);
    const above = arrows.filter(([stronger, weaker]) => weaker === name && names.includes(stronger) && !both(stronger, weaker)).map(([stronger]) => of(stronger) + 1);
    depth.set(name, Math.max(0, ...above));
    return depth.get(name);
  };
  names.forEach(of);
  const rows = [];
  for (const name of names) (rows[depth.get(name)] ??= []).push(name);
  return rows.filter(Boolean);
}

// Arrows that no way around says already.
function direct(names, arrows) {
  const below = reach(arrows);
  const inside = arrows.filter(([a, b]) => names.includes(a) && names.includes(b));
  return inside.filter(([a, b]) => !inside.some(([c, d]) => c === a && d !== b && below.get(d)?.has(b) && !below.get(b)?.has(d)));
}

function connect(box, lines, chips, arrows) {
  const origin = box.getBoundingClientRect();
  lines.setAttribute("width", box.scrollWidth);
  lines.setAttribute("height", box.scrollHeight);
  lines.replaceChildren(
    ...arrows.map(([stronger, weaker]) => {
      const [from, to] = [chips.get(stronger).getBoundingClientRect(), chips.get(weaker).getBoundingClientRect()];
      const [x1, y1, x2, y2] = [from.left + from.width / 2 - origin.left, from.bottom - origin.top, to.left + to.width / 2 - origin.left, to.top - origin.top];
      if (y2 <= y1) return svg("path", { d: "" });
      const middle = (y1 + y2) / 2;
      return svg("path", { d: `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}` });
    }),
  );
}

// Every verdict, with how it was reached.
export function verdictSection(page, run) {
  const verdicts = run.outcome.verdicts ?? [];
  if (verdicts.length === 0) return null;
  const row = (verdict) =>
    el("tr", {}, el("td", {}, verdict.model), el("td", {}, badge(verdict)), el("td", {}, verdict.expected === "valid" ? "promised" : verdict.expected === "invalid" ? "given up" : ""), el("td", {}, verdict.method), el("td", { class: "figure" }, milliseconds(verdict.elapsed_ms)), el("td", {}, verdict.why ?? (verdict.anomalies?.length > 0 ? `${verdict.anomalies[0].kind}${verdict.anomalies.length > 1 ? ` and ${verdict.anomalies.length - 1} more` : ""}` : "")));
  const head = ["model", "verdict", "", "decided by", "took", ""].map((text) => el("th", { scope: "col" }, text));
  return el("section", { class: "verdicts" }, el("details", {}, el("summary", {}, el("h2", {}, "Every verdict")), el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, verdicts.map(row))))));
}
