// A clock for pictures of few operations: every moment has its place in order, and room for what is said of it. Not to scale.

const MOST = 96;

export class Moments {
  // `spans` are [from, to] with Infinity for no end; `rooms` say how wide each has to be drawn, `least` how much stands before a
  // moment at least.
  constructor(spans, rooms, least) {
    this.at = [...new Set(spans.flat().filter(Number.isFinite))].sort((a, b) => a - b);
    const gaps = this.at.slice(1).map((at, i) => at - this.at[i]);
    const smallest = Math.min(...gaps.filter((gap) => gap > 0), Infinity);
    this.widths = gaps.map((gap, i) => Math.min(MOST, least(this.at[i + 1]) + 14 * Math.log2(1 + gap / smallest)));
    spans.forEach(([from, to], i) => this.widen(from, Number.isFinite(to) ? to : this.at.at(-1), rooms[i]));
    // After the last moment, so that what never ended is seen to go on.
    this.tail = spans.some(([, to]) => to === Infinity) ? 150 : 24;
    this.place();
  }

  widen(from, to, room) {
    const [first, last] = [this.at.indexOf(from), this.at.indexOf(to)];
    if (last <= first) return;
    const has = this.widths.slice(first, last).reduce((sum, width) => sum + width, 0);
    if (has >= room) return;
    for (let i = first; i < last; i++) this.widths[i] *= room / has;
  }

  place() {
    let x = 0;
    this.xs = [0, ...this.widths.map((width) => (x += width))];
  }

  // Spread over at least this width.
  fill(width) {
    const wanted = width - this.tail;
    const has = this.xs.at(-1);
    if (has > 0 && has < wanted) {
      this.widths = this.widths.map((one) => (one * wanted) / has);
      this.place();
    }
    return this;
  }

  get width() {
    return this.xs.at(-1) + this.tail;
  }

  // Where a moment is drawn; one that is none of these lies between its neighbours.
  x(position) {
    if (position === Infinity) return this.width;
    const last = this.at.length - 1;
    if (position <= this.at[0]) return position < this.at[0] ? -14 : 0;
    if (position > this.at[last]) return this.xs[last] + Math.min(14, this.tail);
    const next = this.at.findIndex((at) => at >= position);
    const share = (position - this.at[next - 1]) / (this.at[next] - this.at[next - 1]);
    return this.xs[next - 1] + share * (this.xs[next] - this.xs[next - 1]);
  }
}
