// The strip above everything: operations over the whole run, failures, faults, a mark for each finding; drag to zoom.

import { el, moment, count } from "./dom.js";
import { theme, onTheme } from "./theme.js";
import { stepsOf, extent, bandsOf } from "./findings.js";

const HEIGHT = 64;
const BARS = 46;

export class Overview {
  // `look` is told the window that a reader drags; `end` is the run's on its clock.
  constructor(run, findings, operations, look) {
    this.run = run;
    this.series = run.series;
    this.end = Math.max(1, run.history.end);
    this.clock = run.history.clock;
    this.bands = bandsOf(run);
    this.look = look;
    this.window = null;
    this.marks = findings.map((finding) => ({ finding, at: extent(stepsOf(finding, operations), operations) })).filter((mark) => mark.at);
    this.canvas = el("canvas", { tabindex: "0", role: "slider", "aria-label": "The whole run; drag to look at a part, arrow keys move it", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 });
    this.label = el("span", { class: "overview-label" });
    this.element = el("section", { class: "overview", "aria-label": "Overview of the run" }, this.canvas, el("div", { class: "overview-legend" }, legend(this.bands.length > 0, this.marks.length > 0), this.label));
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    onTheme(() => this.draw());
  }

  // Shows which part of the run is looked at.
  show(from, to) {
    this.window = [from, to];
    this.label.textContent = `${moment(from, this.clock, to - from)} – ${moment(to, this.clock, to - from)} of ${moment(this.end, this.clock, this.end)}`;
    this.canvas.setAttribute("aria-valuenow", String(Math.round((from / this.end) * 100)));
    this.canvas.setAttribute("aria-valuetext", this.label.textContent);
    this.draw();
  }

  x(position) {
    return (position / this.end) * this.canvas.clientWidth;
  }

  draw() {
    const { canvas, series } = this;
    const width = canvas.clientWidth;
    if (width === 0) return;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(HEIGHT * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(HEIGHT * ratio);
    }
    const paint = canvas.getContext("2d");
    const colour = theme();
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, HEIGHT);
    for (const band of this.bands) {
      const [left, right] = [this.x(band.from), this.x(Math.min(band.to, this.end))];
      paint.fillStyle = colour.fault;
      paint.fillRect(left, 0, Math.max(1.5, right - left), HEIGHT - 8);
      paint.fillStyle = colour["fault-line"];
      paint.fillRect(left, 0, Math.max(1.5, right - left), 3);
    }
    const sums = series.ok.map((ok, i) => ok + series.fail[i] + series.info[i]);
    const most = Math.max(1, ...sums);
    const bar = width / sums.length;
    for (let i = 0; i < sums.length; i++) {
      let base = HEIGHT - 10;
      for (const [counts, name] of [[series.ok, "ok"], [series.fail, "fail"], [series.info, "info"]]) {
        if (counts[i] === 0) continue;
        const height = Math.max(1, (counts[i] / most) * BARS);
        paint.fillStyle = colour[name];
        paint.fillRect(i * bar, base - height, Math.max(0.6, bar - 0.3), height);
        base -= height;
      }
    }
    paint.fillStyle = colour.line;
    paint.fillRect(0, HEIGHT - 10, width, 1);
    if (this.window) this.drawWindow(paint, colour, width);
    for (const { finding, at } of this.marks) this.drawMark(paint, colour, finding, at);
  }

  drawWindow(paint, colour, width) {
    const [from, to] = this.dragged ?? this.window;
    const [left, right] = [Math.max(0, this.x(from)), Math.min(width, this.x(to))];
    paint.globalAlpha = 0.55;
    paint.fillStyle = colour.paper;
    paint.fillRect(0, 0, left, HEIGHT);
    paint.fillRect(right, 0, width - right, HEIGHT);
    paint.globalAlpha = 1;
    paint.strokeStyle = colour.ink;
    paint.lineWidth = 1.5;
    paint.strokeRect(left + 0.75, 0.75, Math.max(3, right - left - 1.5), HEIGHT - 10);
  }

  drawMark(paint, colour, finding, [from, to]) {
    const [left, right] = [this.x(from), this.x(to)];
    paint.fillStyle = finding.promised ? colour.bad : colour.doubt;
    paint.fillRect(left, HEIGHT - 8, Math.max(2, right - left), 3);
    paint.beginPath();
    paint.moveTo(right - 4.5, HEIGHT);
    paint.lineTo(right + 4.5, HEIGHT);
    paint.lineTo(right, HEIGHT - 9);
    paint.fill();
  }

  listen() {
    const { canvas } = this;
    const position = (event) => Math.min(this.end, Math.max(0, ((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth) * this.end));
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      start = position(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (start === null) return;
      const at = position(event);
      this.dragged = [Math.min(start, at), Math.max(start, at)];
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const at = position(event);
      const wide = (Math.abs(at - start) / this.end) * canvas.clientWidth > 4;
      const half = this.window ? (this.window[1] - this.window[0]) / 2 : this.end / 20;
      this.dragged = null;
      if (wide) this.look(Math.min(start, at), Math.max(start, at));
      else this.look(Math.max(0, at - half), Math.min(this.end, at + half));
      start = null;
    });
    canvas.addEventListener("pointercancel", () => {
      start = this.dragged = null;
      this.draw();
    });
    canvas.addEventListener("dblclick", () => this.look(0, this.end));
    canvas.addEventListener("keydown", (event) => {
      const [from, to] = this.window ?? [0, this.end];
      const step = (to - from) / 4;
      const move = { ArrowLeft: [-step, -step], ArrowRight: [step, step], ArrowUp: [step, -step], ArrowDown: [-step, step], Home: [-from, -from], End: [this.end - to, this.end - to] }[event.key];
      if (!move) return;
      event.preventDefault();
      this.look(Math.max(0, from + move[0]), Math.min(this.end, to + move[1]));
    });
  }
}

function legend(faults, findings) {
  const key = (name, text) => el("span", { class: "legend" }, el("i", { class: `swatch ${name}` }), text);
  return [key("ok", "ok"), key("fail", "failed"), key("info", "unknown outcome"), faults && key("fault", "fault in force"), findings && key("mark", "finding")];
}

export function legendOf(faults, findings) {
  return legend(faults, findings);
}

export function binTitle(series, i) {
  return `${count(series.ok[i])} ok, ${count(series.fail[i])} failed, ${count(series.info[i])} unknown`;
}
