// The timeline: lanes of operations to zoom, drag, search and point at. It opens on a finding.

import { el, moment, lasting, replaced } from "./dom.js";
import { Folded } from "./scale.js";
import { isPrinting, onTheme } from "./theme.js";
import { state, change, note } from "./state.js";
import { stepsOf, extent, bandsOf } from "./findings.js";
import { controls, matching, visible } from "./filters.js";
import { lanesOf } from "./lanes.js";
import { savePicture } from "./png.js";
import { AXIS, LANE_GAP, ROW, lowerBoundMembers, paintTimeline, positionOf, xOf } from "./paint.js";
import { details, partnersOf } from "./details.js";
import { orderOf, ordersOf } from "./order.js";

const HEIGHT_MAX = 560;
// On paper all lanes are shown, up to what a canvas can be.
const PRINTED_MAX = 16000;
// Of its window, a finding takes up this share.
const FINDING_SHARE = 0.6;

export class Timeline {
  // `moved` is told the window, on the run's clock, whenever it changes.
  constructor(run, findings, operations, moved) {
    this.operations = operations;
    this.findings = findings;
    this.moved = moved;
    this.bands = bandsOf(run);
    this.controls = controls(operations, this.bands);
    this.canvas = el("canvas", { tabindex: "0", role: "application", "aria-label": "Timeline of operations. Arrow keys move, plus and minus zoom, 0 shows everything, comma and point go from operation to operation." });
    this.spacer = el("div", { class: "spacer" });
    this.box = el("div", { class: "timeline-box" }, this.canvas, this.spacer);
    this.tip = el("div", { class: "tip", hidden: true });
    this.panel = el("div", { class: "pinned", "aria-live": "polite" });
    const button = (text, title, act) => el("button", { class: "square", title, "aria-label": title, onclick: act }, text);
    const zooms = el("div", { class: "zooms" }, button("+", "Zoom in (+)", () => this.zoom(0.5)), button("−", "Zoom out (−)", () => this.zoom(2)), button("↔", "The whole run (0)", () => this.look(0, operations.latest)), findings.length > 0 && button("◎", "Back to the finding (f)", () => this.toFinding()), el("button", { title: "Save what is seen as a picture", onclick: () => savePicture(this.view, "timeline.png") }, "PNG"));
    this.element = el("section", { class: "timeline", id: "timeline" }, el("div", { class: "section-head" }, el("h2", {}, "Timeline"), zooms), this.controls.element, this.box, this.tip, this.panel, partial(operations));
    this.view = { operations, bands: this.bands, left: 96, scroll: 0, hover: null, pinned: new Set(), proof: new Map(), order: null, found: null, lanes: [], from: 0, to: 1, width: 0, height: 0 };
    this.listen();
    new ResizeObserver(() => this.resized()).observe(this.box);
    onTheme(() => this.resized());
    this.refresh(true);
  }

  finding() {
    return state().finding === "" ? null : (this.findings[Number(state().finding)] ?? null);
  }

  // Takes in the filters, the search and the finding of the state. `opens` looks at what the state says, or the finding.
  refresh(opens) {
    const { operations, view } = this;
    const finding = this.finding();
    const steps = finding === null ? [] : stepsOf(finding, operations);
    this.orders = ordersOf(finding, operations);
    view.proof = new Map(steps.map((step, number) => [step.op, number]));
    const filter = visible(operations, state(), this.bands);
    this.shown = [];
    for (let i = 0; i < operations.count; i++) if (filter(i) || view.proof.has(i)) this.shown.push(i);
    view.found = matching(operations, state().q);
    this.hits = view.found === null ? null : this.shown.filter(view.found);
    const before = view.folded && [view.folded.unfold(view.from), view.folded.unfold(view.to)];
    view.lanes = lanesOf(operations, this.shown, state().lanes, [...view.proof.keys()]);
    view.folded = new Folded(this.busy(), operations.latest);
    let top = LANE_GAP;
    for (const lane of view.lanes) {
      lane.top = top;
      lane.height = lane.rows * ROW;
      top += lane.height + LANE_GAP;
    }
    this.total = top + AXIS + 18;
    this.controls.told(this.shown.length, this.hits?.length ?? null);
    this.controls.refresh();
    this.pinFromState();
    this.resized();
    if (opens) this.open();
    else if (before) this.set(view.folded.fold(before[0]), view.folded.fold(before[1]));
  }

  // When something that is looked at went on. What was never answered keeps no stretch busy.
  busy() {
    const { operations } = this;
    const spans = this.shown.map((i) => [operations.invoked[i], operations.hasReply(i) ? operations.completed(i) : operations.invoked[i]]);
    spans.sort((a, b) => a[0] - b[0]);
    return spans;
  }

  open() {
    const [from, to] = [Number(state().from), Number(state().to)];
    if (state().from !== "" && to > from) this.look(from, to);
    else this.toFinding();
  }

  toFinding() {
    const finding = this.finding();
    const at = finding && extent(stepsOf(finding, this.operations), this.operations);
    if (!at) return this.look(0, this.operations.latest);
    const { folded } = this.view;
    const [from, to] = at.map((position) => folded.fold(position));
    const room = Math.max((to - from) / FINDING_SHARE, folded.length * 1e-5, 1);
    const side = (room - (to - from)) / 2;
    this.box.scrollTop = 0;
    this.set(from - side, to + side);
    this.keep();
  }

  // Shows a stretch of the run's own clock.
  look(from, to) {
    const { folded } = this.view;
    this.set(folded.fold(from), folded.fold(to));
    this.keep();
  }

  // Shows a stretch of the folded clock.
  set(from, to) {
    const { view } = this;
    const whole = view.folded.length;
    const least = Math.max(whole * 1e-8, view.operations.clock === "place" ? 2 : 20);
    const length = Math.min(Math.max(to - from, least), whole * 1.04);
    const middle = (from + to) / 2;
    view.from = Math.min(Math.max(middle - length / 2, -whole * 0.02), whole * 1.02 - length);
    view.to = view.from + length;
    this.draw();
    this.moved(Math.max(0, view.folded.unfold(view.from)), Math.min(view.operations.latest, view.folded.unfold(view.to)));
  }

  // Notes the window in the address.
  keep() {
    const { view } = this;
    note({ from: String(Math.round(view.folded.unfold(view.from))), to: String(Math.round(view.folded.unfold(view.to))) });
  }

  zoom(factor, x = null) {
    const { view } = this;
    const share = x === null ? 0.5 : (x - view.left) / (view.width - view.left);
    const at = view.from + share * (view.to - view.from);
    const length = (view.to - view.from) * factor;
    this.set(at - share * length, at + (1 - share) * length);
    this.keep();
  }

  pan(share) {
    const { view } = this;
    const step = (view.to - view.from) * share;
    this.set(view.from + step, view.to + step);
    this.keep();
  }

  resized() {
    const { view } = this;
    view.width = this.box.clientWidth;
    view.left = view.width < 560 ? 68 : 96;
    view.height = Math.min(isPrinting() ? PRINTED_MAX : HEIGHT_MAX, Math.max(140, this.total));
    this.box.style.height = `${view.height}px`;
    this.canvas.style.height = `${view.height}px`;
    this.canvas.style.width = `${view.width}px`;
    this.spacer.style.height = `${Math.max(0, this.total - view.height)}px`;
    if (view.width > 0) this.draw();
  }

  draw() {
    if (this.view.width === 0) return;
    if (isPrinting()) return paintTimeline(this.canvas, { ...this.view, scroll: 0 });
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const started = performance.now();
      this.view.scroll = this.box.scrollTop;
      paintTimeline(this.canvas, this.view);
      this.frames ??= [];
      this.frames.push(performance.now() - started);
      if (this.frames.length > 500) this.frames.splice(0, 250);
    });
  }

  // The operation under a point of the canvas, -1 where there is none.
  at(x, y) {
    const { view } = this;
    const inside = y - AXIS + view.scroll;
    const lane = view.lanes.find((lane) => inside >= lane.top - 2 && inside < lane.top + lane.height + 2);
    if (!lane || x < view.left || y < AXIS) return -1;
    const row = Math.min(lane.rows - 1, Math.max(0, Math.floor((inside - lane.top) / ROW)));
    const last = lowerBoundMembers(view.operations, lane.members, positionOf(view, x + 3));
    let best = -1;
    for (let m = last - 1; m >= 0 && m > last - 400; m--) {
      if (lane.row[m] !== row) continue;
      const [left, right] = [xOf(view, view.operations.invoked[lane.members[m]]), xOf(view, lane.to[m])];
      if (x < left - 3 || x > Math.max(right, left + 4) + 3) continue;
      if (view.proof.has(lane.members[m])) return lane.members[m];
      if (best < 0) best = lane.members[m];
    }
    return best;
  }

  // Points at an operation, with the order that explains it; at none where it is negative.
  light(i) {
    this.view.hover = i < 0 ? null : i;
    this.pickOrder();
    this.draw();
  }

  // The order to draw: of what is pointed at, else of what is pinned, else the longest while the keyboard is here.
  pickOrder() {
    const { view } = this;
    const [pinned] = view.pinned;
    view.order = orderOf(this.orders, view.hover ?? pinned ?? -1) ?? (document.activeElement === this.canvas ? (this.orders?.orders[0] ?? null) : null);
  }

  pin(i) {
    change({ pin: i < 0 || String(this.operations.id[i]) === state().pin ? "" : String(this.operations.id[i]) });
  }

  pinFromState() {
    const { view, operations } = this;
    view.pinned = new Set();
    const wanted = state().pin === "" ? -1 : operations.id.indexOf(Number(state().pin));
    if (wanted < 0) {
      replaced(this.panel);
      this.pickOrder();
      return;
    }
    const partners = partnersOf(operations, wanted, this.finding());
    view.pinned = new Set([wanted, ...partners]);
    this.pickOrder();
    const show = (i) => el("button", { class: "quiet", onclick: () => this.pin(i) }, operations.action(i));
    replaced(
      this.panel,
      el("div", { class: "pin-head" }, el("strong", {}, "Pinned"), el("button", { class: "quiet", onclick: () => change({ pin: "" }) }, "Unpin (Esc)")),
      details(operations, wanted, view.proof.has(wanted) ? this.finding() : null, this.orders),
      partners.length > 0 && el("p", { class: "partners" }, "With it: ", partners.slice(0, 8).map(show)),
    );
  }

  hover(event) {
    const { canvas, view, tip } = this;
    const bounds = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const i = this.at(x, y);
    if (i !== (view.hover ?? -1)) this.light(i);
    tip.hidden = i < 0;
    canvas.style.cursor = i < 0 ? "grab" : "pointer";
    if (i < 0) return;
    replaced(tip, details(this.operations, i, view.proof.has(i) ? this.finding() : null, this.orders));
    const [width, height] = [tip.offsetWidth, tip.offsetHeight];
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${event.clientY + 18 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 18}px`;
  }

  listen() {
    const { canvas } = this;
    const pointers = new Map();
    let dragged = 0;
    canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, event.clientX);
      dragged = 0;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (before === undefined) return this.hover(event);
      const others = [...pointers].filter(([id]) => id !== event.pointerId);
      pointers.set(event.pointerId, event.clientX);
      const { view } = this;
      if (others.length === 1) {
        const other = others[0][1];
        const [was, is] = [Math.max(8, Math.abs(before - other)), Math.max(8, Math.abs(event.clientX - other))];
        this.zoom(was / is, (event.clientX + other) / 2 - canvas.getBoundingClientRect().left);
      } else {
        dragged += Math.abs(event.clientX - before);
        this.tip.hidden = true;
        const step = ((before - event.clientX) / (view.width - view.left)) * (view.to - view.from);
        this.set(view.from + step, view.to + step);
      }
    });
    const up = (event) => {
      if (pointers.delete(event.pointerId) && event.type === "pointerup" && dragged < 4) {
        const bounds = canvas.getBoundingClientRect();
        const i = this.at(event.clientX - bounds.left, event.clientY - bounds.top);
        if (i >= 0 || state().pin !== "") this.pin(i);
      }
      this.keep();
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
      this.light(-1);
    });
    for (const change of ["focus", "blur"]) canvas.addEventListener(change, () => this.light(-1));
    this.box.addEventListener("scroll", () => this.draw());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  // With Ctrl (or a pinch on a touchpad) a wheel zooms, sideways or with Shift it moves; else the page scrolls.
  wheel(event) {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey || event.altKey) {
      event.preventDefault();
      this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.01), event.clientX - this.canvas.getBoundingClientRect().left);
    } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      event.preventDefault();
      this.pan(sideways / 800);
    }
  }

  key(event) {
    const act = {
      ArrowLeft: () => this.pan(-0.15),
      ArrowRight: () => this.pan(0.15),
      "+": () => this.zoom(0.6),
      "=": () => this.zoom(0.6),
      "-": () => this.zoom(1 / 0.6),
      0: () => this.look(0, this.operations.latest),
      ".": () => this.step(1),
      ",": () => this.step(-1),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  }

  // Pins the next operation of what is found, of the proof, or of what is shown, and brings it into view.
  step(direction) {
    const { operations, view } = this;
    const among = this.hits?.length ? this.hits : view.proof.size > 0 && state().pin === "" ? [...view.proof.keys()] : this.shown;
    const pinned = state().pin === "" ? -1 : operations.id.indexOf(Number(state().pin));
    const place = among.findIndex((i) => i >= pinned);
    const next = pinned < 0 ? (direction > 0 ? 0 : among.length - 1) : (among[place] === pinned || direction < 0 ? place + direction : place);
    const i = among[Math.min(among.length - 1, Math.max(0, next))];
    if (i !== undefined && i !== pinned) this.goTo(i);
  }

  // Pins an operation and brings it into view.
  goTo(i) {
    const { operations, view } = this;
    this.pin(i);
    const at = view.folded.fold(operations.invoked[i]);
    if (at < view.from || at > view.to) this.set(at - (view.to - view.from) / 2, at + (view.to - view.from) / 2);
    const lane = view.lanes.find((lane) => lane.members.includes(i));
    if (lane && (lane.top < this.box.scrollTop || lane.top + lane.height > this.box.scrollTop + view.height - AXIS)) this.box.scrollTop = lane.top - 40;
  }
}

function partial(operations) {
  const { operations: all, kept } = operations.meta;
  if (all === kept) return null;
  return el("p", { class: "hint" }, `Of ${all.toLocaleString("en")} operations this page holds the ${kept.toLocaleString("en")} around its findings; the overview and the series show all of them, and the history's file holds them.`);
}

export function spanOf(view) {
  return lasting(view.folded.unfold(view.to) - view.folded.unfold(view.from));
}

export function windowText(from, to, clock) {
  return `${moment(from, clock, to - from)} – ${moment(to, clock, to - from)}`;
}
