// Several runs beside each other: modes as rows, each with what it kept and what it cost; and the faults of one run.

import { el, count, lasting, milliseconds, moment, percent, replaced } from "./dom.js";
import { verdictOf } from "./head.js";
import { titleOf } from "./findings.js";

const RUNGS = [["linearizable", "lin."], ["sequential", "seq."], ["causal-convergence", "causal"], ["read-your-writes", "RYW"], ["monotonic-reads", "MR"], ["durability", "durable"], ["convergence", "converges"]];

// The worst of what the runs of a mode say of a model.
function worst(runs, model) {
  const said = runs.flatMap((run) => (run.outcome.verdicts ?? []).filter((verdict) => verdict.model === model));
  for (const verdict of ["invalid", "unknown", "valid"]) {
    const found = said.filter((one) => one.verdict === verdict);
    if (found.length > 0) return { verdict, of: said.length, count: found.length, expected: found[0].expected };
  }
  return null;
}

const mean = (values) => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length);
const most = (values) => (values.length === 0 ? null : Math.max(...values));
const median = (values) => (values.length === 0 ? null : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]);
const told = (runs, of) => runs.map((run) => of(run.outcome)).filter((value) => value !== null && value !== undefined);
const total = (values) => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0));

// `value` sorts, `show` is seen.
function columnsOf() {
  const rung = ([model, name]) => ({ name, title: model, value: (row) => ({ valid: 0, unknown: 1, invalid: 2 })[worst(row.runs, model)?.verdict] ?? 3, show: (row) => rungCell(worst(row.runs, model)) });
  const figure = (name, title, value, show = (number) => (number === null ? "–" : number)) => ({ name, title, value: (row) => value(row.runs), show: (row) => show(value(row.runs)), figure: true });
  return [
    { name: "mode", title: "replication mode", value: (row) => row.name, show: (row) => row.name },
    ...RUNGS.map(rung),
    { name: "writes answered", title: "share of writes answered: before faults, and while one was in force", value: (row) => mean(told(row.runs, (o) => o.availability?.writes_during)), show: (row) => bars(mean(told(row.runs, (o) => o.availability?.before)), mean(told(row.runs, (o) => o.availability?.writes_during ?? o.availability?.during))) },
    figure("stale", "share of reads that were stale", (runs) => mean(told(runs, (o) => (o.staleness && o.staleness.reads > 0 ? o.staleness.stale_reads / o.staleness.reads : null))), percent),
    figure("stale p99", "how far stale reads lay behind", (runs) => most(told(runs, (o) => (o.staleness?.stale_reads > 0 ? o.staleness.p99_ms : null))), milliseconds),
    figure("lost", "acknowledged writes that are gone", (runs) => total(told(runs, (o) => o.durability?.lost)), (number) => (number === null ? "–" : el("span", { class: number > 0 ? "bad" : "" }, count(number)))),
    figure("failover", "median time from the loss of a leader to the next acknowledged write", (runs) => median(told(runs, (o) => o.failover_ms).flat()), milliseconds),
    figure("write p50", "median latency of writes", (runs) => mean(told(runs, (o) => o.latency_ms?.write?.p50)), milliseconds),
    figure("read p50", "median latency of reads", (runs) => mean(told(runs, (o) => o.latency_ms?.read?.p50)), milliseconds),
    figure("reads/s", "reads and writes answered a second", (runs) => mean(told(runs, (o) => (o.elapsed_ms > 0 ? o.operations.ok / (o.elapsed_ms / 1000) : null))), (number) => (number === null ? "–" : count(Math.round(number)))),
  ].map((column) => (column.name === "reads/s" ? { ...column, name: "answered/s" } : column));
}

function rungCell(found) {
  if (found === null) return el("span", { class: "rung-cell none", title: "not looked at" }, "–");
  const tone = found.verdict === "valid" ? "good" : found.verdict === "unknown" ? "doubt" : found.expected === "valid" ? "bad" : "doubt";
  const seen = found.verdict === "invalid" && found.of > 1 ? ` ${found.count}/${found.of}` : "";
  return el("span", { class: `rung-cell ${tone}`, title: `${found.verdict} in ${found.count} of ${found.of} runs` }, { valid: "✓", invalid: "✗", unknown: "?" }[found.verdict], el("span", { class: "said" }, seen));
}

function bars(before, during) {
  if (before === null && during === null) return "–";
  const bar = (share, kind) => el("span", { class: "bar-row" }, el("span", { class: "bar-track" }, meter(share, kind)), el("span", { class: "said" }, percent(share)));
  return el("span", { class: "bar-pair" }, before !== null && bar(before, "before"), during !== null && bar(during, "during"));
}

function meter(share, kind) {
  const inner = el("span", { class: `bar-fill ${kind}` });
  inner.style.width = `${Math.round(share * 100)}%`;
  return inner;
}

// `open` shows one run.
export function comparison(page, current, open) {
  const groups = new Map();
  page.runs.forEach((run, place) => {
    const name = page.compares ? run.outcome.mode : "";
    const group = groups.get(name) ?? { name, runs: [], places: [] };
    group.runs.push(run);
    group.places.push(place);
    groups.set(name, group);
  });
  const modes = page.compares ? table([...groups.values()], columnsOf(), (row) => open(row.places.find((place) => page.runs[place].outcome.outcome === "violation") ?? row.places[0])) : null;
  return el(
    "section",
    { class: "comparison", id: "comparison" },
    el("h1", {}, page.title),
    modes && el("p", { class: "hint" }, "✓ held in every run, ✗ violated (amber: the mode does not promise it; red: it does), ? undecided. Blue: writes answered before faults; orange: while one was in force. Choose a heading to sort, a row to open its most telling run."),
    modes,
    runList(page, current, open),
  );
}

function table(rows, columns, choose) {
  let by = null;
  let down = false;
  const body = el("tbody", {});
  const fill = () => {
    const sorted = by === null ? rows : [...rows].sort((a, b) => compare(by.value(a), by.value(b)) * (down ? -1 : 1));
    replaced(body, sorted.map((row) => el("tr", { class: "chooses", tabindex: 0, onclick: () => choose(row), onkeydown: (event) => event.key === "Enter" && choose(row) }, columns.map((column) => el("td", { class: column.figure ? "figure" : "" }, column.show(row))))));
  };
  const heads = columns.map((column) => {
    const button = el("button", { class: "quiet", title: column.title, onclick: () => sort(column) }, column.name);
    return el("th", { scope: "col" }, button);
  });
  const sort = (column) => {
    down = by === column ? !down : false;
    by = column;
    heads.forEach((head, i) => (columns[i] === by ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    fill();
  };
  fill();
  return el("div", { class: "scroll" }, el("table", { class: "sortable" }, el("thead", {}, el("tr", {}, heads)), body));
}

function compare(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return typeof a === "string" ? a.localeCompare(b) : a - b;
}

function runList(page, current, open) {
  const rows = page.runs.map((run, place) => ({ run, place, verdict: verdictOf(run.outcome) }));
  const columns = [
    { name: "run", value: (row) => titleOf(row.run), show: (row) => [row.place === current && el("strong", { "aria-label": "shown below" }, "▸ "), titleOf(row.run)] },
    { name: "outcome", value: (row) => row.run.outcome.outcome ?? "", show: (row) => el("span", { class: row.verdict.tone }, row.verdict.word) },
    { name: "what it came to", value: (row) => row.verdict.text, show: (row) => row.verdict.text },
    { name: "operations", figure: true, value: (row) => row.run.history?.operations ?? 0, show: (row) => count(row.run.history?.operations ?? 0) },
  ];
  const list = table(rows, columns, (row) => open(row.place));
  const many = rows.length > 12;
  return el("details", { class: "run-list", open: !many }, el("summary", {}, `${rows.length} runs`), list);
}

// The faults of a run, with what shows that each took effect.
export function faultTable(run) {
  const windows = run.outcome.fault_windows ?? [];
  if (windows.length === 0) return null;
  const head = ["fault", "what it did", "from", "for", "carried out", "what shows it"].map((text) => el("th", { scope: "col" }, text));
  const row = (fault) => el("tr", {}, el("td", {}, fault.fault), el("td", {}, fault.what), el("td", { class: "figure" }, moment(fault.from_ms * 1e6, "time")), el("td", { class: "figure" }, fault.to_ms === null ? "to the end" : lasting((fault.to_ms - fault.from_ms) * 1e6)), el("td", {}, fault.applied), el("td", {}, fault.evidence));
  return el("section", { class: "faults" }, el("details", { open: windows.length <= 12 }, el("summary", {}, el("h2", {}, `Faults (${windows.length})`)), el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, windows.map(row))))));
}
