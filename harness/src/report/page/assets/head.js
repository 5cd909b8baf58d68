// The head of the page: the verdict in words, what was promised against what held, each finding in a sentence.

import { el, copied, count, lasting, milliseconds, percent, plural, shortened } from "./dom.js";
import { bandsOf, culpritOf, isLoss, stepsOf } from "./findings.js";

const WORDS = { valid: "held", invalid: "violated", unknown: "undecided", "not-applicable": "says nothing here" };
const GLYPHS = { valid: "✓", invalid: "✗", unknown: "?", "not-applicable": "–" };

// More are folded away.
const FINDINGS_SHOWN = 3;

export function verdictWord(verdict) {
  return WORDS[verdict] ?? verdict;
}

// Which colour a verdict has: a violation of what was given up is no failure.
export function verdictTone(verdict) {
  if (verdict.verdict === "valid") return "good";
  if (verdict.verdict === "invalid") return verdict.expected === "valid" ? "bad" : "doubt";
  return verdict.verdict === "unknown" ? "doubt" : "none";
}

export function badge(verdict) {
  const tone = verdictTone(verdict);
  return el("span", { class: `badge ${tone}` }, el("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[verdict.verdict] ?? "?"), " ", verdictWord(verdict.verdict));
}

function list(names) {
  if (names.length <= 1) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

// The verdict as a sentence, and its colour.
export function verdictOf(outcome) {
  const verdicts = outcome.verdicts ?? [];
  const named = (test) => verdicts.filter(test).map((verdict) => verdict.model);
  const broken = named((v) => v.expected === "valid" && v.verdict === "invalid");
  const held = named((v) => v.expected === "valid" && v.verdict === "valid");
  const open = named((v) => v.expected === "valid" && v.verdict === "unknown");
  const given = named((v) => v.expected === "invalid" && v.verdict === "invalid");
  const does = (names) => (names.length > 1 ? "do not hold" : "does not hold");
  switch (outcome.outcome) {
    case "violation": {
      if (broken.length > 0) return { tone: "bad", word: "Violation", text: `${list(broken)} ${broken.length > 1 ? "were" : "was"} promised and ${does(broken)}.` };
      const shown = named((v) => v.verdict === "invalid");
      const unpromised = `This mode does not promise ${shown.length > 1 ? "them" : "it"}, and the run counts it as a failure all the same.`;
      return { tone: "bad", word: "Violation", text: `${list(shown)} ${does(shown)}. ${unpromised}` };
    }
    case "pass": {
      const kept = held.length === 0 ? "Nothing that was promised was broken." : `${list(held)} held, as promised.`;
      const weak = given.length === 0 ? "" : ` ${list(given)} did not hold; this mode does not promise ${given.length > 1 ? "them" : "it"}.`;
      return { tone: given.length > 0 ? "good" : "good", word: "Pass", text: kept + weak };
    }
    case "unknown":
      return { tone: "doubt", word: "Undecided", text: open.length > 0 ? `Whether ${list(open)} held could not be decided.` : "It could not be decided what held." };
    case "inconclusive":
      return { tone: "doubt", word: outcome.finished === false ? "Unfinished" : "Inconclusive", text: outcome.finished === false ? "The run did not come to its end." : "Too little happened for a verdict." };
    case "harness-failure":
      return { tone: "bad", word: "Harness failure", text: "The harness failed, so there is no verdict." };
    default: {
      const strongest = outcome.strongest ?? [];
      const weakest = outcome.weakest_violated ?? [];
      const first = strongest.length > 0 ? `The strongest that held: ${list(strongest)}.` : "No model is known to hold.";
      const second = weakest.length > 0 ? ` The weakest that is violated: ${list(weakest)}.` : "";
      return { tone: weakest.length > 0 ? "doubt" : strongest.length > 0 ? "good" : "doubt", word: "Nothing was promised", text: first + second };
    }
  }
}

export function head(run, findings, operations, choose) {
  const outcome = run.outcome;
  const { tone, word, text } = verdictOf(outcome);
  const reasons = [...(outcome.thin ?? []), ...(outcome.notes ?? [])];
  return el(
    "header",
    { class: `verdict ${tone}` },
    el("h1", {}, el("span", { class: "word" }, word), " ", text),
    reasons.length > 0 && el("ul", { class: "reasons" }, reasons.map((reason) => el("li", {}, reason))),
    findingList(run, findings, operations, choose),
    promises(outcome),
    outcome.reproduce ? command(outcome.reproduce) : null,
    run.page ? el("p", {}, el("a", { href: run.page }, "The page of this run alone, with all its operations")) : null,
    facts(run),
  );
}

function findingList(run, findings, operations, choose) {
  if (findings.length === 0) return null;
  const row = (finding) => {
    const steps = stepsOf(finding, operations);
    const told = steps[culpritOf(finding, steps, operations)];
    const where = told === undefined ? [] : [`client ${operations.client[told.op]}${operations.nodeName(told.op) && ` at ${operations.nodeName(told.op)}`}`, operations.when(operations.invoked[told.op])];
    // What began after the operation that is told was no part of it, whatever else the proof holds.
    const until = told === undefined || isLoss(finding) || !operations.hasReply(told.op) ? Infinity : operations.completed(told.op);
    const faults = bandsOf(run).filter((band) => finding.faults?.includes(band.place) && band.from <= until);
    const under = faults.length > 0 ? `under ${[...new Set(faults.map((fault) => fault.name))].slice(0, 2).join(" and ")}` : "";
    return el(
      "li",
      {},
      el(
        "button",
        { class: `finding ${finding.promised ? "bad" : "doubt"}`, "data-finding": finding.number, onclick: () => choose(finding.number) },
        el("span", { class: "kind" }, finding.kind),
        el("span", { class: "sentence" }, shortened(finding.summary, 400)),
        el("span", { class: "where" }, [...where, under].filter(Boolean).join(", ")),
        el("span", { class: "against" }, `against ${shortened(finding.against.map((one) => one.model).join(", "), 120)}`),
      ),
    );
  };
  const all = findings.map(row);
  const shown = el("ol", { class: "findings" }, all.slice(0, FINDINGS_SHOWN));
  if (all.length <= FINDINGS_SHOWN) return shown;
  const rest = el("details", { class: "more" }, el("summary", {}, plural(all.length - FINDINGS_SHOWN, "more finding")), el("ol", { class: "findings" }, all.slice(FINDINGS_SHOWN)));
  return el("div", {}, shown, rest);
}

// What was promised, then what was not and was looked at.
function promises(outcome) {
  const verdicts = outcome.verdicts ?? [];
  const promised = verdicts.filter((verdict) => verdict.expected === "valid");
  const rest = verdicts.filter((verdict) => verdict.expected !== "valid" && verdict.verdict !== "not-applicable");
  const chip = (verdict) =>
    el("li", { class: `chip ${verdictTone(verdict)}`, title: verdict.why ?? `decided by ${verdict.method}` }, el("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[verdict.verdict]), " ", verdict.model, el("span", { class: "said" }, ` ${verdictWord(verdict.verdict)}`));
  const row = (title, these) => these.length > 0 && [el("dt", {}, title), el("dd", {}, el("ul", { class: "chips" }, these.map(chip)))];
  if (verdicts.length === 0) return null;
  return el("dl", { class: "promises" }, row("Promised", promised), row(promised.length > 0 ? "Not promised" : "Looked at", rest));
}

function command(text) {
  const code = el("code", {}, text);
  const button = el("button", { class: "copy" }, "Copy");
  const said = el("span", { role: "status", class: "said" });
  button.addEventListener("click", async () => {
    said.textContent = (await copied(text, code)) ? "copied" : "press Ctrl-C to copy";
    setTimeout(() => (said.textContent = ""), 2500);
  });
  return el("div", { class: "command" }, el("span", { class: "label" }, "See it again"), el("pre", {}, code), button, said);
}

// What the run was like, in figures.
function facts(run) {
  const outcome = run.outcome;
  const told = [];
  const tell = (name, value) => value !== null && value !== undefined && value !== "" && told.push(el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  const ops = outcome.operations;
  if (ops) tell("operations", `${count(ops.ok)} ok, ${count(ops.fail)} failed, ${count(ops.info)} unknown`);
  if (outcome.elapsed_ms > 0) tell("lasted", lasting(outcome.elapsed_ms * 1e6));
  const available = outcome.availability;
  if (available && available.overall !== null) {
    tell("answered", available.during === null || available.during === undefined ? percent(available.overall) : `${percent(available.overall)} (${percent(available.during)} under faults)`);
  }
  const latency = outcome.latency_ms ?? {};
  for (const [name, of] of [["reads", latency.read], ["writes", latency.write]]) if (of) tell(name, `${milliseconds(of.p50)} median, ${milliseconds(of.p99)} p99`);
  const durability = outcome.durability;
  if (durability) tell("acknowledged writes", `${count(durability.acknowledged)}: ${durability.lost === 0 ? "none" : count(durability.lost)} lost${durability.discarded > 0 ? `, ${count(durability.discarded)} discarded` : ""}`);
  const stale = outcome.staleness;
  if (stale) tell("stale reads", stale.stale_reads === 0 ? `none of ${count(stale.reads)}` : `${count(stale.stale_reads)} of ${count(stale.reads)}, up to ${milliseconds(stale.max_ms)}`);
  if (outcome.failover_ms?.length > 0) tell("failover", outcome.failover_ms.slice(0, 5).map(milliseconds).join(", "));
  const settled = outcome.convergence;
  if (settled) tell("replicas", settled.converged ? `agreed ${settled.after_ms === null ? "in the end" : `${milliseconds(settled.after_ms)} after the heal`}` : `differ in ${plural(settled.differing_keys.length, "key")}`);
  tell("seed", outcome.seed);
  tell("stage", outcome.stage);
  for (const [name, value] of run.about) tell(name, value);
  return el("dl", { class: "facts" }, told);
}
