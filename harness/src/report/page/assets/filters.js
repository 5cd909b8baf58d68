// Which operations are looked at: by key, node, function, outcome, fault, and by what is searched for.

import { el, count } from "./dom.js";
import { OUTCOMES } from "./operations.js";
import { state, change } from "./state.js";

// More keys than this are typed, not listed.
const LISTED_MAX = 300;

export const FILTERS = ["key", "node", "kind", "outcome", "fault"];

// Whether an operation is looked at, as the filters of `state` say.
export function visible(operations, filters, bands) {
  const key = filters.key === "" ? null : operations.meta.keys.indexOf(filters.key) + 1;
  const node = filters.node === "" ? null : operations.meta.nodes.indexOf(filters.node) + 1;
  const kind = filters.kind === "" ? null : operations.meta.functions.indexOf(filters.kind);
  const outcome = filters.outcome === "" ? null : OUTCOMES.indexOf(filters.outcome);
  const band = filters.fault === "" ? null : bands[Number(filters.fault)];
  return (i) =>
    (key === null || operations.key[i] === key || (operations.key[i] === 0 && key > 0 && operations.texts[i].includes(filters.key))) &&
    (node === null || operations.node[i] === node) &&
    (kind === null || Math.floor(operations.kind[i] / 3) === kind) &&
    (outcome === null || operations.outcome(i) === outcome) &&
    (!band || (operations.invoked[i] <= band.to && operations.drawnTo(i) >= band.from));
}

// Whether an operation is what is searched for: every word is in what it says of itself.
export function matching(operations, query) {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return null;
  return (i) => {
    const said = `${operations.action(i)} client ${operations.client[i]} ${operations.nodeName(i)} ${operations.outcomeName(i)} ${operations.errorText(i)}`.toLowerCase();
    return words.every((word) => said.includes(word));
  };
}

// The controls, and `told(shown, found)` to say how many operations are left.
export function controls(operations, bands) {
  const { meta } = operations;
  const selects = {
    key: meta.keys.length > LISTED_MAX ? typed("key", "every key", meta.keys) : choice("key", "every key", meta.keys),
    node: choice("node", "every node", meta.nodes),
    kind: choice("kind", "every operation", meta.functions),
    outcome: choice("outcome", "every outcome", OUTCOMES, { ok: "ok", fail: "failed", info: "unknown" }),
    fault: bands.length > 0 ? choice("fault", "any time", bands.map((band) => String(band.place)), Object.fromEntries(bands.map((band) => [String(band.place), `during ${band.name} #${band.place + 1}`]))) : null,
  };
  const search = el("input", { type: "search", placeholder: "Search: write r7 37, client 4, n2 …", "aria-label": "Search operations", class: "search", id: "search" });
  search.value = state().q;
  search.addEventListener("input", () => change({ q: search.value.trim() }));
  const clear = el("button", { class: "quiet", onclick: () => change(Object.fromEntries([...FILTERS, "q"].map((name) => [name, ""]))) }, "Show all");
  const said = el("output", { class: "said" });
  const lanes = segmented("lanes", [["", "client"], ["node", "node"], ["key", "key"]]);
  const element = el("div", { class: "filters" }, search, Object.values(selects), el("span", { class: "segmented-label" }, "a lane a"), lanes.element, clear, said);
  return {
    element,
    search,
    told(shown, found) {
      const parts = [shown === operations.count ? `${count(shown)} operations` : `${count(shown)} of ${count(operations.count)} operations`];
      if (found !== null) parts.push(`${count(found)} found`);
      said.textContent = parts.join(", ");
    },
    // Brings the controls in line with the state.
    refresh() {
      for (const [name, select] of Object.entries(selects)) if (select && select.value !== state()[name]) select.value = state()[name];
      if (search.value.trim() !== state().q) search.value = state().q;
      lanes.refresh();
      clear.hidden = [...FILTERS, "q"].every((name) => state()[name] === "");
    },
  };
}

function choice(name, all, values, words = {}) {
  const select = el("select", { "aria-label": name, class: "filter" }, el("option", { value: "" }, all), values.map((value) => el("option", { value }, words[value] ?? value)));
  select.value = state()[name];
  select.addEventListener("change", () => change({ [name]: select.value }));
  return select;
}

function typed(name, all, values) {
  const list = el("datalist", { id: `values-${name}` }, values.slice(0, 5000).map((value) => el("option", { value })));
  const input = el("input", { list: list.id, placeholder: all, "aria-label": name, class: "filter" });
  input.append(list);
  document.body.append(list);
  input.addEventListener("change", () => (input.value === "" || values.includes(input.value)) && change({ [name]: input.value }));
  return input;
}

function segmented(name, values) {
  const buttons = values.map(([value, text]) => el("button", { onclick: () => change({ [name]: value }), "data-value": value }, text));
  const element = el("span", { class: "segmented", role: "group", "aria-label": name }, buttons);
  const refresh = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.value === state()[name])));
  refresh();
  return { element, refresh };
}
