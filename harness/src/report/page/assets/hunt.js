// What a hunt looked at: how much, and in how many of its runs each fault, state and anomaly was seen.

import { el, count, lasting, plural } from "./dom.js";

export function huntSection(hunt, found) {
  const { coverage } = hunt;
  const end = found ? `${plural(hunt.runs, "run")} until one failed: it is told below.` : `${plural(hunt.runs, "run")}, and none of them failed.`;
  const much = `${plural(hunt.operations, "operation")}, ${lasting(hunt.simulated_ms * 1e6)} of simulated time in ${lasting(hunt.spent_ms * 1e6)}; seeds from ${hunt.first_seed}.`;
  const open = [hunt.inconclusive > 0 && `${plural(hunt.inconclusive, "run")} inconclusive`, hunt.unknown > 0 && `${plural(hunt.unknown, "run")} undecided`].filter(Boolean);
  const tables = [
    ["Faults that took effect", coverage.faults, "No fault took effect in any run."],
    ["States of the cluster", coverage.states, "No state of the cluster was told."],
    ["Anomalies", coverage.anomalies, "No anomaly was seen."],
    ...(Object.keys(hunt.thin).length > 0 ? [["Why runs were inconclusive", hunt.thin, ""]] : []),
  ];
  return el(
    "section",
    { class: "hunt", id: "hunt" },
    el("div", { class: "section-head" }, el("h2", {}, "The hunt"), open.length > 0 && el("span", { class: "said" }, open.join(", "))),
    el("p", {}, end, " ", much),
    el("div", { class: "hunt-tables" }, tables.map(([title, seen, none]) => coverageTable(title, seen, none, hunt.runs))),
    hunt.doubts.length > 0 && el("details", {}, el("summary", {}, "Why runs were undecided"), el("ul", { class: "told-facts" }, hunt.doubts.map((doubt) => el("li", {}, doubt)))),
  );
}

// The most frequent first, each with the share of runs in which it was seen.
function coverageTable(title, seen, none, runs) {
  const rows = Object.entries(seen).sort(([a, many], [b, more]) => more - many || a.localeCompare(b));
  const row = ([name, times]) => {
    const fill = el("span", { class: "bar-fill before" });
    fill.style.width = `${Math.max(1, Math.round((times / Math.max(1, runs)) * 100))}%`;
    return el("tr", {}, el("td", {}, name), el("td", { class: "figure" }, count(times)), el("td", {}, el("span", { class: "bar-track" }, fill)));
  };
  const body = rows.length > 0 ? el("table", {}, el("thead", {}, el("tr", {}, ["", "runs", ""].map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, rows.map(row))) : el("p", { class: "said" }, none);
  return el("div", {}, el("h3", {}, title), body);
}
