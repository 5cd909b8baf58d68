// Time with its idle stretches cut: from positions on a run's clock to positions on a folded one, and back.

// Of all that is looked at, an idle stretch longer than this share is cut to the other.
const IDLE_SHARE = 0.06;
const CUT_SHARE = 0.02;

export class Folded {
  // `busy` gives [from, to] of each operation that is looked at, by ascending `from`.
  constructor(busy, end) {
    const gaps = idle(busy, end);
    const total = gaps.reduce((sum, [from, to]) => sum - (to - from), end);
    this.real = [0];
    this.folded = [0];
    this.cuts = [];
    const width = Math.max(total, end * 1e-6) * CUT_SHARE;
    let shift = 0;
    for (const [from, to] of gaps) {
      this.push(from, from - shift);
      shift += to - from - Math.min(width, to - from);
      this.push(to, to - shift);
      this.cuts.push([from, to]);
    }
    this.push(end, end - shift);
  }

  push(real, folded) {
    if (real === this.real.at(-1)) this.folded[this.folded.length - 1] = folded;
    else {
      this.real.push(real);
      this.folded.push(folded);
    }
  }

  fold(position) {
    return along(this.real, this.folded, position);
  }

  unfold(position) {
    return along(this.folded, this.real, position);
  }

  get length() {
    return this.folded.at(-1);
  }
}

// The stretches in which nothing that is looked at went on, and that are long beside the rest.
function idle(busy, end) {
  const gaps = [];
  let until = 0;
  let active = 0;
  for (const [from, to] of busy) {
    if (from > until) gaps.push([until, from]);
    active += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  if (end > until) gaps.push([until, end]);
  if (busy.length === 0) return [];
  // Measured against what is left when the longest are cut, so that much idleness does not hide itself.
  gaps.sort((a, b) => b[1] - b[0] - (a[1] - a[0]));
  let left = end;
  const cut = [];
  for (const [from, to] of gaps) {
    if (to - from <= Math.max(left - (to - from), active) * IDLE_SHARE || cut.length >= 400) break;
    left -= to - from;
    cut.push([from, to]);
  }
  // A little of it stays on each side, so that what is at its edge can be told from it.
  const edge = Math.max(left, active) * 0.01;
  const kept = cut.map(([from, to]) => [from === 0 ? 0 : from + edge, to === end ? end : to - edge]);
  return kept.filter(([from, to]) => to > from).sort((a, b) => a[0] - b[0]);
}

function along(from, to, position) {
  const last = from.length - 1;
  if (position <= from[0]) return to[0] + (position - from[0]);
  if (position >= from[last]) return to[last] + (position - from[last]);
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= position) low = middle;
    else high = middle;
  }
  const stretch = from[high] - from[low];
  return stretch > 0 ? to[low] + ((position - from[low]) / stretch) * (to[high] - to[low]) : to[low];
}
