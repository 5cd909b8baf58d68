// The runs of a folder: to search, filter, sort and group, to open one and to compare two.

import { el, count, lasting, plural, replaced } from "./dom.js";
import { startTheme, toggleTheme } from "./theme.js";

const data = JSON.parse(document.getElementById("page-data").textContent);
const root = document.getElementById("page");
// So many rows are shown at first, and so many more each time.
const ROWS = 200;
const EVERY_MS = 4000;

const WORDS = { pass: "pass", violation: "violation", unknown: "undecided", inconclusive: "inconclusive", "harness-failure": "harness failure", unfinished: "unfinished" };
const TONES = { pass: "good", violation: "bad", "harness-failure": "bad" };

const view = { q: "", outcome: "", mode: "", workload: "", sort: "started", down: true, grouped: false, rows: ROWS, chosen: [], group: "" };
Object.assign(view, Object.fromEntries([...new URLSearchParams(location.hash.slice(1))].filter(([name]) => ["q", "outcome", "mode", "workload", "group"].includes(name))));
let runs = data.runs.map(prepared);

function prepared(run) {
  const name = run.path.split("/").at(-1);
  const at = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(name);
  const started = at ? `${at[1]}-${at[2]}-${at[3]} ${at[4]}:${at[5]}:${at[6]}` : "";
  const violated = run.verdicts.filter((verdict) => verdict.verdict === "invalid");
  const outcome = run.finished ? run.outcome : "unfinished";
  const faults = run.faults.join(", ");
  const total = run.operations.ok + run.operations.fail + run.operations.info;
  const broken = violated.map((verdict) => ({ model: verdict.model, kind: verdict.anomalies[0]?.kind ?? "", promised: verdict.expected === "valid" }));
  const said = [run.path, run.suite, run.workload, run.mode, faults, `seed ${run.seed}`, run.stage, WORDS[outcome], ...broken.map((one) => `${one.model} ${one.kind}`)].join(" ").toLowerCase();
  return { ...run, name, started, outcome, faults, total, broken, said };
}

// What a failure violates first: what it is grouped by.
function groupOf(run) {
  const first = run.broken.find((one) => one.promised) ?? run.broken[0];
  return first === undefined ? "" : `${first.model}: ${first.kind || "violated"}`;
}

function shown() {
  const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = runs.filter((run) => words.every((word) => run.said.includes(word)) && (view.outcome === "" || run.outcome === view.outcome) && (view.mode === "" || run.mode === view.mode) && (view.workload === "" || run.workload === view.workload) && (view.group === "" || groupOf(run) === view.group));
  const by = { started: (run) => run.name, outcome: (run) => run.outcome, mode: (run) => run.mode, workload: (run) => run.workload, faults: (run) => run.faults, seed: (run) => run.seed, violated: (run) => groupOf(run), operations: (run) => run.total }[view.sort];
  kept.sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0) * (view.down ? -1 : 1));
  return kept;
}

function set(changes) {
  Object.assign(view, changes);
  const kept = ["q", "outcome", "mode", "workload", "group"].filter((name) => view[name] !== "").map((name) => [name, view[name]]);
  history.replaceState(null, "", kept.length > 0 ? `#${new URLSearchParams(kept)}` : location.pathname);
  fill();
}

const body = el("tbody", {});
const said = el("output", { class: "said" });
const more = el("button", { class: "quiet", onclick: () => set({ rows: view.rows + ROWS }) }, "Show more");
const compare = el("button", { onclick: () => (location.href = `/compare?${new URLSearchParams({ a: view.chosen[0], b: view.chosen[1] })}`) }, "Compare two");
const groups = el("div", { class: "groups" });
const heads = [["started", "started"], ["outcome", "outcome"], ["violated", "violates"], ["workload", "workload"], ["mode", "mode"], ["faults", "faults"], ["seed", "seed"], ["operations", "operations"]].map(([id, name]) => el("th", { scope: "col", "data-sort": id }, el("button", { class: "quiet", onclick: () => set({ sort: id, down: view.sort === id ? !view.down : id === "started" }) }, name)));

function choice(name, all) {
  const select = el("select", { class: "filter", "aria-label": name, onchange: () => set({ [name]: select.value, rows: ROWS }) });
  const options = () => replaced(select, el("option", { value: "" }, all), [...new Set(runs.map((run) => run[name]))].sort().map((value) => el("option", { value, selected: value === view[name] }, name === "outcome" ? WORDS[value] : value)));
  options();
  return { select, options };
}

const choices = [choice("outcome", "every outcome"), choice("mode", "every mode"), choice("workload", "every workload")];
const search = el("input", { type: "search", class: "search", id: "search", placeholder: "Search: stale-read single/async …", "aria-label": "Search runs", oninput: () => set({ q: search.value, rows: ROWS }) });
search.value = view.q;

function row(run) {
  const box = el("input", { type: "checkbox", "aria-label": `Choose ${run.path} to compare`, onchange: () => choose(run.path, box.checked) });
  box.checked = view.chosen.includes(run.path);
  const address = `/run/${run.path.split("/").map(encodeURIComponent).join("/")}`;
  const violated = run.broken.slice(0, 3).map((one) => el("span", { class: `chip ${one.promised ? "bad" : "doubt"}` }, el("span", { class: "glyph", "aria-hidden": "true" }, "✗"), ` ${one.model}`, one.kind && el("span", { class: "said" }, ` ${one.kind}`)));
  return el("tr", {}, el("td", {}, box), el("td", { class: "nowrap" }, el("a", { href: address }, run.started || run.name)), el("td", { class: TONES[run.outcome] ?? "doubt" }, WORDS[run.outcome]), el("td", {}, el("span", { class: "chips" }, violated)), el("td", {}, run.workload), el("td", {}, run.mode), el("td", {}, run.faults || "none"), el("td", { class: "figure" }, run.seed), el("td", { class: "figure", title: run.elapsed_ms > 0 ? `in ${lasting(run.elapsed_ms * 1e6)}` : "" }, count(run.total)));
}

function choose(path, on) {
  view.chosen = on ? [...view.chosen.filter((other) => other !== path), path].slice(-2) : view.chosen.filter((other) => other !== path);
  fill();
}

function fill() {
  const kept = shown();
  replaced(body, kept.slice(0, view.rows).map(row));
  said.textContent = kept.length === runs.length ? plural(runs.length, "run") : `${count(kept.length)} of ${plural(runs.length, "run")}`;
  more.hidden = kept.length <= view.rows;
  compare.disabled = view.chosen.length !== 2;
  for (const head of heads) {
    if (head.dataset.sort === view.sort) head.setAttribute("aria-sort", view.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  fillGroups();
}

// Failures by what they violate first, the most frequent first.
function fillGroups() {
  const found = new Map();
  for (const run of runs) {
    const name = groupOf(run);
    if (name !== "" && run.outcome === "violation") found.set(name, [...(found.get(name) ?? []), run]);
  }
  const sorted = [...found].sort((a, b) => b[1].length - a[1].length);
  const button = ([name, members]) => {
    const modes = [...new Set(members.map((run) => run.mode))];
    return el("button", { class: "group", "aria-pressed": String(view.group === name), onclick: () => set({ group: view.group === name ? "" : name, rows: ROWS }) }, el("strong", {}, count(members.length)), ` ${name}`, el("span", { class: "said" }, ` in ${modes.slice(0, 3).join(", ")}${modes.length > 3 ? ` and ${modes.length - 3} more` : ""}`));
  };
  replaced(groups, sorted.length > 0 && el("span", { class: "said" }, "Violations by what they violate:"), sorted.slice(0, 12).map(button));
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/runs.json");
    if (!answer.ok) return;
    const fresh = await answer.json();
    if (JSON.stringify(fresh) === JSON.stringify(data.runs)) return;
    data.runs = fresh;
    runs = fresh.map(prepared);
    for (const { options } of choices) options();
    fill();
  } catch {
    // The server has gone: what was read last stays.
  }
}

startTheme();
const table = el("table", { class: "sortable runs" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "said" }, "two")), heads)), body);
const bar = el("div", { class: "bar" }, el("span", { class: "brand" }, "Partita"), el("span", { class: "title" }, data.root), el("button", { class: "quiet", onclick: toggleTheme, "aria-label": "Dark or light" }, "◐"));
replaced(root, bar, el("h1", {}, "Runs"), el("div", { class: "filters" }, search, choices.map(({ select }) => select), compare, said), groups, runs.length === 0 ? el("p", {}, "There is no run here yet. `partita run` makes one.") : el("div", { class: "scroll" }, table), more);
fill();
addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, select")) {
    event.preventDefault();
    search.focus();
  }
});
setInterval(refresh, EVERY_MS);
document.documentElement.dataset.ready = "yes";
