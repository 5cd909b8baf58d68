// One finding told whole: what it means, its picture, its operations one by one, and why they contradict each other.

import { el, count, lasting, moment, plural, shortened } from "./dom.js";
import { bandsOf, culpritOf, isLoss, relationsOf, stepsOf } from "./findings.js";
import { cyclePicture } from "./cycle.js";
import { orderSection } from "./order.js";
import { lostPicture, plainPicture, stalePicture } from "./register.js";

// A picture of more operations is not understood.
const STEPS_MAX = 12;
// So many are drawn of one that has more.
const STEPS_DRAWN = 6;
// Of a longer table a part is folded away.
const ROWS_MAX = 20;
const BANDS_MAX = 4;
// Kinds whose facts list what each replica holds.
const DIFFERS = ["diverged", "missing-replica"];

// `choose` goes to another finding, `light` points at an operation on the timeline, `go` brings one into view there.
export function findingSection(page, run, findings, finding, operations, { choose, light, go }) {
  const steps = stepsOf(finding, operations);
  const relations = isCyclic(finding, operations) ? relationsOf(finding, operations) : [];
  const about = page.anomalies.find((anomaly) => anomaly.name === finding.kind)?.about ?? "";
  const move = (by, text, title) => el("button", { class: "square", title, "aria-label": title, onclick: () => choose((finding.number + by + findings.length) % findings.length) }, text);
  const models = (name) => page.models.find((model) => model.name === name)?.about ?? "";
  const violated = finding.against.map((one) => el("li", { class: `chip ${one.promised ? "bad" : "doubt"}`, title: models(one.model) }, el("span", { class: "glyph", "aria-hidden": "true" }, "✗"), ` ${one.model}`));
  return el(
    "section",
    { class: "finding-told", id: "finding" },
    el("div", { class: "section-head" }, el("h2", {}, `${finding.kind}: ${shortened(finding.summary, 300)}`), findings.length > 1 && el("div", { class: "zooms" }, el("span", { class: "said" }, `${finding.number + 1} of ${findings.length}`), move(-1, "‹", "Finding before (p)"), move(1, "›", "Next finding (n)"))),
    el("p", { class: "about" }, about),
    picture(run, finding, steps, operations, relations),
    counted(run, finding),
    steps.length > 0 && table(finding, steps, operations),
    finding.facts?.length > 0 && relations.length === 0 && el("div", {}, el("h3", {}, DIFFERS.includes(finding.kind) ? "What is where" : "Why that cannot be"), el("ul", { class: "told-facts" }, finding.facts.map((fact) => el("li", {}, fact)))),
    concurrency(finding, relations),
    orderSection(finding, operations, light, go),
    under(run, finding),
    el("dl", { class: "promises" }, el("dt", {}, "It violates"), el("dd", {}, el("ul", { class: "chips" }, violated))),
    finding.explanation ? el("details", { class: "raw" }, el("summary", {}, "As the command line tells it"), el("pre", {}, finding.explanation)) : null,
  );
}

// Whether what comes before what tells more than a timeline: where it goes around in a circle over more than real time.
function isCyclic(finding, operations) {
  if (finding.kind === "stale-read" || isLoss(finding)) return false;
  return relationsOf(finding, operations).some((relation) => relation.onCycle);
}

function picture(run, finding, steps, operations, relations) {
  if (operations === null || steps.length === 0) return null;
  const width = Math.max(540, Math.min(1156, document.documentElement.clientWidth - 86));
  const bands = (finding.faults ?? []).map((place) => bandsOf(run)[place]).filter(Boolean).slice(0, BANDS_MAX);
  // Of what was lost the first operation is told, of everything else the last ones show it.
  const numbered = steps.map((step, i) => ({ ...step, number: i + 1 }));
  const shown = steps.length > STEPS_MAX ? STEPS_DRAWN : STEPS_MAX;
  const few = isLoss(finding) ? numbered.slice(0, shown) : numbered.slice(-shown);
  const cut = steps.length > few.length ? el("p", { class: "hint" }, `The ${isLoss(finding) ? "first" : "last"} ${few.length} of ${plural(steps.length, "operation")}; the timeline shows all.`) : null;
  const scale = el("p", { class: "hint" }, "Moments stand in their order, not to scale; the timeline below is.");
  const boxed = (drawn, ...more) => {
    const box = el("div", { class: "scroll" }, drawn);
    // Where there are many before it, the picture opens on the operation that cannot be.
    requestAnimationFrame(() => {
      const culprit = drawn.querySelector(".culprit");
      if (culprit !== null) box.scrollLeft += Math.max(0, culprit.getBoundingClientRect().right - box.getBoundingClientRect().right + 16);
    });
    return el("figure", {}, box, ...more);
  };
  if (relations.length > 0) return el("figure", {}, cyclePicture(relations, steps, operations, width), steps.length > 1 && operations.meta.clock === "time" && el("div", { class: "scroll" }, plainPicture(few, operations, bands, width)), scale);
  if (finding.kind === "stale-read" && steps.length >= 2) return boxed(stalePicture(few, operations, bands, width, finding.key), cut, scale);
  if (isLoss(finding)) return boxed(lostPicture(few, operations, bands, width, finding.extra?.replicas ?? [], finding.key), cut, scale);
  return boxed(plainPicture(few, operations, bands, width, culpritOf(finding, few, operations)), cut, scale);
}

// What became of all acknowledged writes, where the finding is about one.
function counted(run, finding) {
  const durability = run.outcome.durability;
  if (!durability || !finding.against.some((one) => one.model === "durability")) return null;
  const cell = (number, word, why, kind = "") => el("div", { class: `count ${kind}`, title: why }, el("strong", {}, count(number)), el("span", {}, word));
  return el(
    "div",
    { class: "counts" },
    cell(durability.acknowledged, "acknowledged", "writes that clients were told had happened"),
    cell(durability.superseded, "superseded", "absent, with a later write in their place: as it should be"),
    cell(durability.discarded, "discarded", "absent, with a concurrent write in their place"),
    cell(durability.lost, "lost", "absent, with nothing that may stand in their place", durability.lost > 0 ? "bad" : ""),
  );
}

function table(finding, steps, operations) {
  const row = (step) => {
    const number = steps.indexOf(step);
    const { op } = step;
    const at = step.completed && operations.hasReply(op) ? operations.completed(op) : operations.invoked[op];
    const word = step.completed && operations.hasReply(op) ? "completed" : operations.hasReply(op) ? "invoked" : "invoked, never answered";
    const hints = [operations.term[op] > 0 && `term ${operations.term[op] - 1}`, operations.served[op] > 0 && `served by ${operations.meta.nodes[operations.served[op] - 1]}`, operations.version[op] > 0 && `version ${operations.version[op] - 1}`].filter(Boolean);
    const line = operations.line(operations.call[op] + (step.completed ? operations.reply[op] : 0));
    return el("tr", {}, el("td", { class: "number" }, number + 1), el("td", {}, `client ${operations.client[op]}`, operations.nodeName(op) && ` at ${operations.nodeName(op)}`), el("td", { class: "mono" }, shortened(operations.action(op), 200)), el("td", {}, `${word} ${operations.when(at)}`), el("td", {}, step.note), el("td", { class: "said" }, [hints.length > 0 && `hints: ${hints.join(", ")}`, line !== null && `line ${line}`].filter(Boolean).join(" · ")));
  };
  const head = ["", "who", "what", "when", "what it proves", ""].map((text) => el("th", { scope: "col" }, text));
  const rows = (some) => el("div", { class: "scroll" }, el("table", { class: "steps" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, some.map(row))));
  if (steps.length <= ROWS_MAX) return rows(steps);
  // The culprit stands at one end or the other.
  const [folded, shown] = isLoss(finding) ? [steps.slice(STEPS_MAX), steps.slice(0, STEPS_MAX)] : [steps.slice(0, -STEPS_MAX), steps.slice(-STEPS_MAX)];
  const rest = el("details", { class: "more" }, el("summary", {}, `${plural(folded.length, "operation")} ${isLoss(finding) ? "after" : "before"} these`), rows(folded));
  return el("div", {}, rows(shown), rest);
}

// Of a cycle the arrows tell the reasons; that real time orders neither is told beside.
function concurrency(finding, relations) {
  if (relations.length === 0) return null;
  const told = (finding.facts ?? []).filter((fact) => fact.includes("real time orders neither"));
  return told.length > 0 ? el("ul", { class: "told-facts" }, told.map((fact) => el("li", {}, fact))) : null;
}

function under(run, finding) {
  const faults = (finding.faults ?? []).map((place) => run.outcome.fault_windows?.[place]).filter(Boolean);
  if (faults.length === 0) return (run.outcome.fault_windows ?? []).length > 0 ? el("p", { class: "said" }, "No fault was in force.") : null;
  const line = (fault) => el("li", {}, el("strong", {}, fault.fault), `: ${fault.what}, from ${moment(fault.from_ms * 1e6, "time")} ${fault.to_ms === null ? "to the end" : `for ${lasting((fault.to_ms - fault.from_ms) * 1e6)}`}`, fault.evidence && el("span", { class: "said" }, ` – ${shortened(fault.evidence, 160)}`));
  return el("div", {}, el("h3", {}, faults.length === 1 ? "Fault in force" : "Faults in force"), el("ul", { class: "told-facts" }, faults.slice(0, 6).map(line)));
}
