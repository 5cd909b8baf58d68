// From the data that the page holds to what is seen.

import { el, replaced } from "./dom.js";
import { startTheme, toggleTheme } from "./theme.js";
import { unpacked } from "./operations.js";
import { state, change, onChange } from "./state.js";
import { findingsOf, titleOf } from "./findings.js";
import { head } from "./head.js";
import { Overview } from "./overview.js";
import { Timeline } from "./timeline.js";
import { findingSection } from "./finding.js";
import { Series } from "./series.js";
import { ladderSection, verdictSection } from "./ladder.js";
import { comparison, faultTable } from "./comparison.js";
import { huntSection } from "./hunt.js";

const page = JSON.parse(document.getElementById("page-data").textContent);
const root = document.getElementById("page");
// The operations of a run in progress, in the place of those that came with the page.
let snapshot = null;

function bar() {
  const back = page.served ? el("a", { href: "/" }, "All runs") : null;
  const status = page.live ? el("span", { class: "live", role: "status" }, "live") : null;
  const toggle = el("button", { class: "quiet", onclick: toggleTheme, "aria-label": "Dark or light", title: "Dark or light (t)" }, "◐");
  return el("div", { class: "bar" }, el("span", { class: "brand" }, "Partita"), back, el("span", { class: "title" }, page.title), status, toggle);
}

// Fewer operations are read better one by one.
const CHARTED_MIN = 24;

async function show() {
  const place = Math.min(page.runs.length - 1, Number(state().run || 0));
  const run = page.runs[place];
  const hunt = page.hunt ? huntSection(page.hunt, run !== undefined) : null;
  if (run === undefined) return void replaced(root, bar(), hunt ?? el("p", {}, "There is no run on this page."));
  const blob = document.getElementById(`columns-${place}`);
  const operations = await unpacked(run.history, snapshot ?? blob?.textContent ?? null);
  const findings = findingsOf(run);
  open(findings, operations);
  const told = el("div", {});
  const several = page.runs.length > 1;
  const parts = [hunt, several && comparison(page, place, (other) => change({ ...EMPTY, run: String(other) })), several && el("h2", { class: "run-title", id: "run" }, titleOf(run)), head(run, findings, operations, choose)];
  let timeline = null;
  if (operations !== null && run.history.operations > 0) {
    const series = run.history.operations >= CHARTED_MIN ? new Series(run) : null;
    const overview = new Overview(run, findings, operations, (from, to) => timeline.look(from, to));
    timeline = new Timeline(run, findings, operations, (from, to) => {
      overview.show(from, to);
      series?.show(from, to);
    });
    parts.push(overview.element, told, timeline.element, series?.element);
  } else parts.push(told);
  parts.push(ladderSection(page, run), verdictSection(page, run), faultTable(run));
  replaced(root, bar(), parts);
  globalThis.partita = { page, run, operations, findings, timeline, told };
  mark();
  return timeline;
}

const EMPTY = { finding: "", key: "", from: "", to: "", pin: "", q: "", node: "", kind: "", outcome: "", fault: "" };

// The first finding is looked at unless the address names another.
function open(findings, operations) {
  if (state().finding !== "" || findings.length === 0) return;
  const key = findings[0].key ?? "";
  const known = operations !== null && operations.meta.keys.includes(key);
  change({ finding: "0", key: known ? key : "" });
}

function choose(number) {
  const finding = globalThis.partita.findings[number];
  const keys = globalThis.partita.operations?.meta.keys ?? [];
  change({ finding: String(number), key: keys.includes(finding.key ?? "") ? finding.key : "", from: "", to: "", pin: "", q: "" });
}

function light(op) {
  globalThis.partita.timeline?.light(op);
}

function go(op) {
  globalThis.partita.timeline?.goTo(op);
}

// Shows which finding is looked at, and tells it.
function mark() {
  const { run, findings, operations, told } = globalThis.partita;
  const finding = findings[Number(state().finding)];
  if (state().finding !== "" && finding) replaced(told, findingSection(page, run, findings, finding, operations, { choose, light, go }));
  for (const button of root.querySelectorAll("[data-finding]")) button.setAttribute("aria-current", String(button.dataset.finding === state().finding));
}

function keys(event) {
  const typing = event.target.closest?.("input, select, textarea");
  if (typing && event.key === "Escape") return event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const { findings, timeline } = globalThis.partita;
  const go = (by) => findings.length > 0 && choose((Number(state().finding || 0) + by + findings.length) % findings.length);
  const act = {
    "/": () => timeline?.controls.search.focus(),
    n: () => go(1),
    p: () => go(-1),
    f: () => timeline?.toFinding(),
    t: toggleTheme,
    Escape: () => change({ pin: "" }),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// A run in progress: what is known of it comes again and again, and its page once it has ended.
function follow() {
  const events = new EventSource(page.live);
  let busy = false;
  events.addEventListener("snapshot", async (event) => {
    if (busy) return;
    busy = true;
    const { run, columns } = JSON.parse(event.data);
    page.runs[0] = run;
    snapshot = columns;
    const scrolled = scrollY;
    shown = await show();
    scrollTo(0, scrolled);
    document.documentElement.dataset.snapshots = String(Number(document.documentElement.dataset.snapshots ?? 0) + 1);
    busy = false;
  });
  events.addEventListener("ended", () => {
    events.close();
    location.reload();
  });
}

startTheme();
addEventListener("keydown", keys);
let shown = await show();
onChange(async (_, changed) => {
  if (changed.includes("run")) {
    shown = await show();
    return;
  }
  if (changed.includes("finding")) mark();
  if (shown === null) return;
  const opens = changed.includes("finding") || (changed.includes("from") && changed.includes("to"));
  shown.refresh(opens);
});
if (page.live) follow();
document.documentElement.dataset.ready = "yes";
