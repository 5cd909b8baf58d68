// A run over time: latency, rate by outcome, stale reads, lag; with the faults in force and one cursor through all.

import { el, svg, count, marks, milliseconds, moment, plural } from "./dom.js";
import { bandsOf } from "./findings.js";

const WIDTH = 1160;
const LEFT = 62;
const RIGHT = 12;
const PLOT = WIDTH - LEFT - RIGHT;

export class Series {
  constructor(run) {
    this.series = run.series;
    this.clock = run.history.clock;
    this.end = Math.max(1, run.history.end);
    this.bands = bandsOf(run);
    this.cursors = [];
    this.windows = [];
    this.said = el("output", { class: "said cursor-said" }, "Point at a moment to read all lines there.");
    const charts = [this.clock === "time" && this.latency(), this.rate(), this.series.stale && this.staleness(), run.lag.length > 0 && this.lag(run.lag)].filter(Boolean);
    this.element = el("section", { class: "series", id: "series" }, el("div", { class: "section-head" }, el("h2", {}, "Over time"), this.said), charts);
    this.lagLines = run.lag;
  }

  x(position) {
    return LEFT + (Math.min(position, this.end) / this.end) * PLOT;
  }

  // Shows which part of the run the timeline looks at.
  show(from, to) {
    // Where the whole run is looked at there is nothing to be told apart.
    const whole = to - from > this.end * 0.95;
    for (const shade of this.windows) {
      shade.setAttribute("visibility", whole ? "hidden" : "visible");
      shade.setAttribute("x", this.x(from));
      shade.setAttribute("width", Math.max(1.5, this.x(to) - this.x(from)));
    }
  }

  // A chart's frame: bands, marks, cursor; `y` maps a value, `ticks` are values with their texts.
  frame(title, height, y, ticks, legend) {
    const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height + 24}`, class: "chart", role: "img" }, svg("title", {}, title));
    for (const band of this.bands) picture.append(svg("rect", { x: this.x(band.from), y: 0, width: Math.max(1, this.x(band.to) - this.x(band.from)), height, class: "fault" }, svg("title", {}, `${band.name}: ${band.what}`)));
    const shade = svg("rect", { x: LEFT, y: 0, width: 0, height, class: "window" });
    this.windows.push(shade);
    picture.append(shade);
    for (const [value, text] of ticks) picture.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "tick" }), svg("text", { x: LEFT - 7, y: y(value) + 4, "text-anchor": "end", class: "small" }, text));
    for (const at of marks(0, this.end, 9)) picture.append(svg("text", { x: this.x(at), y: height + 16, "text-anchor": "middle", class: "small" }, moment(at, this.clock, this.end / 4)));
    picture.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: height, y2: height, class: "axis" }));
    const cursor = svg("line", { x1: 0, x2: 0, y1: 0, y2: height, class: "cursor", visibility: "hidden" });
    this.cursors.push(cursor);
    const whole = el("figure", { class: "chart-box" }, el("figcaption", {}, el("strong", {}, title), " ", legend), el("div", { class: "scroll" }, picture));
    picture.addEventListener("pointermove", (event) => this.point(((event.clientX - picture.getBoundingClientRect().left) / picture.getBoundingClientRect().width) * WIDTH));
    picture.addEventListener("pointerleave", () => this.point(null));
    return { picture, cursor, whole };
  }

  // One line through the middles of bins; a gap where there is no value.
  line(values, y, kind) {
    let path = "";
    let open = false;
    values.forEach((value, i) => {
      if (value === null) open = false;
      else {
        path += `${open ? "L" : "M"}${this.middle(i).toFixed(1)} ${y(value).toFixed(1)}`;
        open = true;
      }
    });
    return svg("path", { d: path, class: `line ${kind}` });
  }

  middle(i) {
    return this.x((i + 0.5) * this.series.bin);
  }

  // Percentiles of each bin on a logarithmic axis: `groups` are names of colours with their percentiles.
  logarithmic(title, height, groups, legend) {
    const all = groups.flatMap(([, of]) => [...of.p50, ...of.max]).filter((ms) => ms !== null && ms > 0);
    if (all.length === 0) return null;
    const [low, high] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)) + 0.001)];
    const y = (ms) => height - 6 - ((Math.log10(Math.max(ms, 10 ** low)) - low) / Math.max(1, high - low)) * (height - 18);
    const ticks = Array.from({ length: high - low + 1 }, (_, i) => [10 ** (low + i), milliseconds(10 ** (low + i)).replace(".00", "").replace(".0 ", " ")]);
    const { picture, cursor, whole } = this.frame(title, height, y, ticks, legend);
    for (const [name, of] of groups) {
      of.max.forEach((ms, i) => ms !== null && picture.append(svg("circle", { cx: this.middle(i), cy: y(ms), r: 1.6, class: `point ${name}` })));
      picture.append(this.line(of.p99, y, `${name} p99`), this.line(of.p50, y, name));
    }
    picture.append(cursor);
    return whole;
  }

  latency() {
    const { read, write } = this.series;
    const legend = [key("read", "reads: median, p99"), key("write", "writes: median, p99"), el("span", { class: "legend" }, "points: slowest of each moment")];
    return this.logarithmic("Latency", 190, [["read", read], ["write", write]], legend);
  }

  staleness() {
    const legend = [key("stale", "median, p99 of what was stale"), el("span", { class: "legend" }, "points: furthest behind of each moment")];
    return this.logarithmic("Stale reads: how long their value had been replaced", 130, [["stale", this.series.stale.behind]], legend);
  }

  rate() {
    const { ok, fail, info, bin } = this.series;
    const second = this.clock === "time" ? 1e9 / bin : 1;
    const sums = ok.map((one, i) => (one + fail[i] + info[i]) * second);
    const most = Math.max(...sums, 1e-9);
    const height = 130;
    const y = (value) => height - (value / most) * (height - 10);
    const unit = this.clock === "time" ? "/s" : "";
    const ticks = marks(0, most, 3).map((value) => [value, `${count(Math.round(value))}${unit}`]);
    const { picture, cursor, whole } = this.frame(this.clock === "time" ? "Operations a second" : "Operations", height, y, ticks, [key("ok", "ok"), key("fail", "failed"), key("info", "unknown outcome")]);
    const width = PLOT / ok.length;
    for (let i = 0; i < ok.length; i++) {
      let base = 0;
      for (const [name, counts] of [["fail", fail], ["info", info], ["ok", ok]]) {
        if (counts[i] === 0) continue;
        const top = base + counts[i] * second;
        picture.append(svg("rect", { x: LEFT + i * width, y: y(top), width: Math.max(0.5, width - 0.4), height: Math.max(0.8, y(base) - y(top)), class: `bar ${name}` }));
        base = top;
      }
    }
    picture.append(cursor);
    return whole;
  }

  lag(lines) {
    const most = Math.max(1, ...lines.flatMap((line) => line.points.map(([, entries]) => entries)));
    const height = 110;
    const y = (entries) => height - (entries / most) * (height - 10);
    const ticks = marks(0, most, 3).map((value) => [value, count(Math.round(value))]);
    const { picture, cursor, whole } = this.frame("Replicas behind, in entries of the log", height, y, ticks, lines.slice(0, 6).map((line, i) => el("span", { class: "legend" }, el("i", { class: `swatch lag-${i % 6}` }), line.name)));
    lines.forEach((line, i) => picture.append(svg("path", { d: line.points.map(([ms, entries], at) => `${at === 0 ? "M" : "L"}${this.x(ms * 1e6).toFixed(1)} ${y(entries).toFixed(1)}`).join(""), class: `line lag-${i % 6}` })));
    picture.append(cursor);
    return whole;
  }

  // How many reads of a bin were stale, and by how much.
  stale(i) {
    const { stale } = this.series;
    return stale && stale.reads[i] > 0 && `${plural(stale.reads[i], "stale read")}, up to ${milliseconds(stale.behind.max[i])}`;
  }

  // Puts the cursor at a place of every chart and says what is there.
  point(x) {
    const inside = x !== null && x >= LEFT && x <= WIDTH - RIGHT;
    for (const cursor of this.cursors) {
      cursor.setAttribute("visibility", inside ? "visible" : "hidden");
      if (inside) for (const end of ["x1", "x2"]) cursor.setAttribute(end, x);
    }
    if (!inside) return;
    const { series, bands } = this;
    const at = ((x - LEFT) / PLOT) * this.end;
    const i = Math.min(series.ok.length - 1, Math.floor(at / series.bin));
    const of = (name, { p50, p99 }) => p50[i] !== null && `${name} ${milliseconds(p50[i])} median, ${milliseconds(p99[i])} p99`;
    const faults = bands.filter((band) => band.from <= at && at <= band.to).map((band) => band.name);
    const behind = this.lagLines.map((line) => [line.name, line.points.findLast(([ms]) => ms * 1e6 <= at)?.[1] ?? 0]).filter(([, entries]) => entries > 0);
    const told = [moment(at, this.clock, this.end / 4), `${series.ok[i]} ok, ${series.fail[i]} failed, ${series.info[i]} unknown`, of("reads", series.read), of("writes", series.write), this.stale(i), ...behind.slice(0, 3).map(([name, entries]) => `${name} ${entries} behind`), faults.length > 0 && `under ${faults.join(", ")}`];
    this.said.textContent = told.filter(Boolean).join(" · ");
  }
}

function key(name, text) {
  return el("span", { class: "legend" }, el("i", { class: `swatch ${name}` }), text);
}
