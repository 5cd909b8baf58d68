// Painting the timeline: lanes of operations on a canvas, as bars where there is room for them and as density where not.

import { moment, shortened, marks } from "./dom.js";
import { lowerBound } from "./operations.js";
import { theme } from "./theme.js";

export const ROW = 22;
export const LANE_GAP = 7;
export const AXIS = 34;
// A column of density is so many pixels wide.
const COLUMN = 2;
// Of a proof with more operations only the last is named beside its bar.
const NAMED_MAX = 12;
const FONT = "12px system-ui, sans-serif";
const MONO = "11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

// `view` has: operations, lanes (with `top` and `height`), folded, from and to (folded), left, width, height, scroll, proof (a map
// from operation to its number in the telling), order (to be drawn, or null), found (a test or null), pinned (a set), hover, bands.
export function paintTimeline(canvas, view) {
  const ratio = devicePixelRatio || 1;
  const { width, height } = view;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const paint = canvas.getContext("2d");
  paint.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint.clearRect(0, 0, width, height);
  paint.textBaseline = "middle";
  const colour = theme();
  paint.save();
  paint.beginPath();
  paint.rect(view.left, 0, width - view.left, height);
  paint.clip();
  paintBands(paint, view, colour);
  paintGrid(paint, view, colour);
  paint.save();
  paint.beginPath();
  paint.rect(view.left, AXIS, width - view.left, height - AXIS);
  paint.clip();
  for (const lane of view.lanes) {
    const top = AXIS + lane.top - view.scroll;
    if (top + lane.height < AXIS || top > height) continue;
    paintLane(paint, view, colour, lane, top);
  }
  if (view.order) paintOrder(paint, view, colour);
  paint.restore();
  paintCuts(paint, view, colour);
  paint.restore();
  paintNames(paint, view, colour);
}

export function xOf(view, position) {
  return view.left + ((view.folded.fold(position) - view.from) / (view.to - view.from)) * (view.width - view.left);
}

export function positionOf(view, x) {
  return view.folded.unfold(view.from + ((x - view.left) / (view.width - view.left)) * (view.to - view.from));
}

function paintBands(paint, view, colour) {
  let place = 0;
  paint.font = FONT;
  for (const band of view.bands) {
    const left = Math.max(view.left, xOf(view, band.from));
    const right = Math.min(view.width, xOf(view, Math.min(band.to, view.operations.latest)));
    if (right < view.left || left > view.width || right <= left) continue;
    paint.fillStyle = colour.fault;
    paint.fillRect(left, AXIS, right - left, view.height);
    paint.fillStyle = colour["fault-line"];
    paint.fillRect(left, AXIS - 3, right - left, 3);
    if (right - left > 60) {
      paint.fillStyle = colour.muted;
      paint.fillText(shortened(`${band.name}: ${band.what}`, Math.floor((right - left - 8) / 6.2)), left + 4, view.height - 9 - (place++ % 2) * 14);
    }
  }
}

function paintGrid(paint, view, colour) {
  const [from, to] = [view.folded.unfold(view.from), view.folded.unfold(view.to)];
  paint.font = FONT;
  paint.textAlign = "center";
  let free = -Infinity;
  // Round moments of the run's own clock, wherever the folded one shows them.
  for (const [at, span] of marksIn(view, from, to)) {
    const x = xOf(view, at);
    if (x < view.left + 4 || x > view.width - 4 || x - free < 26) continue;
    paint.fillStyle = colour.faint;
    paint.fillRect(Math.round(x), AXIS - 6, 1, view.height);
    const text = moment(at, view.operations.clock, span);
    const half = paint.measureText(text).width / 2;
    if (x - half < free + 6 || x + half > view.width) continue;
    paint.fillStyle = colour.muted;
    paint.fillText(text, x, 14);
    free = x + half;
  }
  paint.textAlign = "start";
  paint.fillStyle = colour.line;
  paint.fillRect(view.left, AXIS - 1, view.width, 1);
}

// Round moments within each stretch that is not cut, and the span that tells them apart: a stretch may be short beside what is
// cut around it.
function marksIn(view, from, to) {
  const wanted = Math.max(2, (view.width - view.left) / 110);
  const found = [];
  let begin = from;
  const shown = view.folded.fold(to) - view.folded.fold(from);
  for (const [cutFrom, cutTo] of [...view.folded.cuts, [Infinity, Infinity]]) {
    if (cutTo <= from) continue;
    const end = Math.min(cutFrom, to);
    if (end > begin) {
      const length = view.folded.fold(end) - view.folded.fold(begin);
      const own = (wanted * length) / shown;
      const moments = own < 0.4 ? [] : marks(begin, end, Math.max(1, own));
      const span = moments.length > 1 ? 2 * (moments[1] - moments[0]) : (end - begin) / 4;
      found.push(...moments.map((at) => [at, span]));
    }
    begin = Math.max(begin, cutTo);
    if (begin >= to) break;
  }
  return found;
}

function paintCuts(paint, view, colour) {
  for (const [from, to] of view.folded.cuts) {
    const [left, right] = [xOf(view, from), xOf(view, to)];
    if (right < view.left || left > view.width) continue;
    const middle = (left + right) / 2;
    paint.fillStyle = colour.panel;
    paint.globalAlpha = 0.9;
    paint.fillRect(left, AXIS, Math.max(2, right - left), view.height);
    paint.globalAlpha = 1;
    paint.strokeStyle = colour.muted;
    paint.lineWidth = 1;
    paint.beginPath();
    for (let y = AXIS, side = -1; y <= view.height; y += 7, side = -side) paint.lineTo(middle + side * 2.5, y);
    paint.stroke();
  }
}

function paintLane(paint, view, colour, lane, top) {
  const { operations } = view;
  const begin = lowerBound(lane.latest, positionOf(view, view.left));
  const end = lowerBoundMembers(operations, lane.members, positionOf(view, view.width));
  paint.fillStyle = colour.faint;
  paint.fillRect(view.left, top + lane.height + LANE_GAP / 2, view.width, 1);
  const columns = (view.width - view.left) / COLUMN;
  if ((end - begin) / lane.rows > columns / 2 && view.found === null) paintDensity(paint, view, colour, lane, top, begin, end);
  else for (let m = begin; m < end; m++) paintBar(paint, view, colour, lane, top, m, false);
  // What a proof rests on, and what is pinned, lies above everything.
  for (const i of [...(view.order?.at.keys() ?? []), ...(view.order?.stuck ?? []), ...view.proof.keys(), ...view.pinned]) {
    const m = lowerBoundMembers(operations, lane.members, operations.invoked[i]);
    for (let at = m; at < lane.members.length && operations.invoked[lane.members[at]] === operations.invoked[i]; at++) {
      if (lane.members[at] === i) paintBar(paint, view, colour, lane, top, at, true);
    }
  }
}

export function lowerBoundMembers(operations, members, position) {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (operations.invoked[members[middle]] < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Where each column of pixels ends on the run's clock, the same for all lanes of one painting.
function columnEdges(view) {
  if (view.edgesOf?.from === view.from && view.edgesOf.to === view.to && view.edgesOf.width === view.width && view.edgesOf.folded === view.folded) return view.edges;
  view.edgesOf = { from: view.from, to: view.to, width: view.width, folded: view.folded };
  view.edges = Float64Array.from({ length: Math.ceil((view.width - view.left) / COLUMN) }, (_, column) => positionOf(view, view.left + (column + 1) * COLUMN));
  return view.edges;
}

// The first place from `start` on that is not before `position`: not far away, as a rule.
function forward(array, start, position) {
  let step = 1;
  let low = start;
  while (low + step < array.length && array[low + step - 1] < position) {
    low += step;
    step *= 2;
  }
  let high = Math.min(array.length, low + step);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

// How much was invoked in each column of pixels, the worst outcome below.
function paintDensity(paint, view, colour, lane, top, begin, end) {
  const counts = [];
  let most = 1;
  let last = begin;
  const edges = columnEdges(view);
  const [ok, fail, info] = lane.tally;
  for (let column = 0; column < edges.length && last < end; column++) {
    const next = Math.min(end, forward(lane.from, last, edges[column]));
    if (next > last) {
      most = Math.max(most, next - last);
      counts.push([view.left + column * COLUMN, next - last, [ok[next] - ok[last], fail[next] - fail[last], info[next] - info[last]]]);
    }
    last = next;
  }
  const dim = view.proof.size > 0 ? 0.5 : 1;
  for (const [x, all, found] of counts) {
    const height = Math.max(3, (all / most) * lane.height);
    let y = top + lane.height;
    paint.globalAlpha = dim * (0.45 + 0.55 * (all / most));
    for (const [outcome, name] of [[1, "fail"], [2, "info"], [0, "ok"]]) {
      if (found[outcome] === 0) continue;
      const part = Math.max(2, (found[outcome] / all) * height);
      paint.fillStyle = colour[name];
      paint.fillRect(x, y - part, COLUMN, part);
      y -= part;
    }
  }
  paint.globalAlpha = 1;
}

// A line through the operations of an order: each at the earliest moment at which it can stand there.
function paintOrder(paint, view, colour) {
  const { steps, stuck } = view.order;
  const rows = rowsOf(view, [...steps.map(({ op }) => op), ...stuck]);
  let [at, last] = [-Infinity, -Infinity];
  const points = [];
  for (const { op, number } of steps) {
    at = Math.max(at, view.operations.invoked[op]);
    if (!rows.has(op)) continue;
    const x = Math.max(xOf(view, at) + 3, last + 2);
    last = x;
    points.push({ x, y: AXIS - view.scroll + rows.get(op), number });
  }
  paint.strokeStyle = colour.ink;
  paint.lineWidth = 1.5;
  paint.beginPath();
  for (const { x, y } of points) paint.lineTo(x, y);
  paint.stroke();
  paint.font = "600 9.5px system-ui, sans-serif";
  paint.textAlign = "center";
  let free = -Infinity;
  for (const { x, y, number } of points) {
    if (x < view.left - 10 || x > view.width + 10) continue;
    const room = x - free > 16;
    paint.fillStyle = colour.ink;
    paint.beginPath();
    paint.arc(x, y, room ? 7 : 3, 0, 7);
    paint.fill();
    if (!room) continue;
    free = x;
    paint.fillStyle = colour.paper;
    paint.fillText(number, x, y + 0.5);
  }
  for (const op of stuck.filter((op) => rows.has(op))) {
    paint.font = "700 15px system-ui, sans-serif";
    paint.lineWidth = 3;
    paint.strokeStyle = colour.paper;
    const [x, y] = [xOf(view, view.operations.invoked[op]) - 8, AXIS - view.scroll + rows.get(op)];
    paint.strokeText("✗", x, y);
    paint.fillStyle = colour.bad;
    paint.fillText("✗", x, y);
  }
  paint.textAlign = "start";
}

// Where the lower edge of each of these operations lies, below the axis: its words stand above it.
function rowsOf(view, wanted) {
  if (view.rows?.lanes === view.lanes && view.rows.order === view.order) return view.rows.found;
  const found = new Map();
  for (const op of wanted) {
    for (const lane of view.lanes) {
      let m = lowerBoundMembers(view.operations, lane.members, view.operations.invoked[op]);
      while (m < lane.members.length && lane.members[m] !== op && view.operations.invoked[lane.members[m]] === view.operations.invoked[op]) m++;
      if (lane.members[m] === op) found.set(op, lane.top + lane.row[m] * ROW + ROW - 3);
    }
  }
  view.rows = { lanes: view.lanes, order: view.order, found };
  return found;
}

function paintBar(paint, view, colour, lane, top, m, above) {
  const { operations } = view;
  const i = lane.members[m];
  const number = view.proof.get(i);
  const isProof = number !== undefined;
  const isPinned = view.pinned.has(i);
  const isOrdered = view.order !== null && (view.order.at.has(i) || view.order.stuck.includes(i));
  if (!above && (isProof || isPinned || isOrdered)) return;
  const left = xOf(view, operations.invoked[i]);
  const right = Math.max(left + (above ? 4 : 1.5), xOf(view, lane.to[m]) - 0.5);
  const y = top + lane.row[m] * ROW + 1;
  const height = ROW - 3;
  const name = operations.outcomeName(i);
  const isFound = view.found !== null && view.found(i);
  const dimmed = view.found !== null ? !isFound && !isProof : view.proof.size > 0 && !isProof && !isPinned && !isOrdered;
  paint.globalAlpha = dimmed ? 0.3 : 1;
  paint.fillStyle = colour[name];
  const clipped = Math.max(left, view.left - 4);
  const shown = Math.min(right, view.width + 4) - clipped;
  if (shown <= 0) {
    paint.globalAlpha = 1;
    return;
  }
  if (operations.hasReply(i)) roundRect(paint, clipped, y, shown, height, 3);
  else fading(paint, colour[name], clipped, y, shown, height);
  if (isFound || isPinned || isProof || view.hover === i) {
    paint.lineWidth = isProof ? 2.5 : 1.5;
    paint.strokeStyle = isProof ? colour.bad : colour.ink;
    paint.strokeRect(clipped, y, Math.max(3, shown), height);
  }
  const fits = !isProof || shown > 6.7 * Math.min(28, operations.action(i).length + 2) + 8;
  if (shown > 26 && (fits || view.proof.size > NAMED_MAX)) label(paint, view, colour, i, isProof ? number : null, clipped, y + height / 2, shown);
  else if (isProof && (view.proof.size <= NAMED_MAX || number === view.proof.size - 1)) {
    // Too narrow for its words: they stand beside it, unless those of many would lie over each other.
    const text = shortened(`${number + 1} ${operations.action(i)}`, 28);
    paint.font = `600 ${MONO}`;
    paint.lineWidth = 4;
    paint.strokeStyle = colour.paper;
    const room = paint.measureText(text).width + 6;
    const x = right + room > view.width ? left - room : right + 4;
    paint.strokeText(text, x, y + height / 2);
    paint.fillStyle = colour.bad;
    paint.fillText(text, x, y + height / 2);
  }
  paint.globalAlpha = 1;
}

function label(paint, view, colour, i, number, x, y, room) {
  paint.font = MONO;
  paint.fillStyle = colour.paper;
  const text = (number === null ? "" : `${number + 1} `) + view.operations.action(i);
  paint.fillText(shortened(text, Math.max(1, Math.floor((room - 8) / 6.7))), x + 4, y + 0.5);
}

function roundRect(paint, x, y, width, height, radius) {
  if (width < 6) return paint.fillRect(x, y, width, height);
  paint.beginPath();
  paint.roundRect(x, y, width, height, radius);
  paint.fill();
}

// What was never answered has no end.
function fading(paint, colour, x, y, width, height) {
  const fade = paint.createLinearGradient(x, 0, x + width, 0);
  fade.addColorStop(0, colour);
  fade.addColorStop(Math.min(0.8, 40 / width), colour);
  fade.addColorStop(1, "transparent");
  paint.fillStyle = fade;
  paint.fillRect(x, y, width, height);
}

function paintNames(paint, view, colour) {
  paint.fillStyle = colour.paper;
  paint.fillRect(0, AXIS, view.left - 1, view.height);
  paint.fillStyle = colour.line;
  paint.fillRect(view.left - 1, 0, 1, view.height);
  const room = Math.floor((view.left - 12) / 6.4);
  for (const lane of view.lanes) {
    const y = AXIS + lane.top - view.scroll + ROW / 2;
    if (y < AXIS + 4 || y > view.height + ROW) continue;
    paint.font = lane.proof ? `600 ${FONT}` : FONT;
    paint.fillStyle = lane.proof ? colour.ink : colour.muted;
    paint.fillText(shortened(lane.name, room), 8, y);
  }
  paint.fillStyle = colour.paper;
  paint.fillRect(0, 0, view.left - 1, AXIS);
}
