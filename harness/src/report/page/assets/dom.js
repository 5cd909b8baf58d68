// Elements, and numbers as people read them. What comes from a run is only ever inserted as text.

const SVG = "http://www.w3.org/2000/svg";

// el("button", { class: "chip", onclick: act, "aria-pressed": "true" }, "text", otherElement)
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export function replaced(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A length of time in nanoseconds: "812 ms", "1.30 s".
export function lasting(nanos) {
  if (!Number.isFinite(nanos)) return "without end";
  const size = Math.abs(nanos);
  if (size < 1e3) return `${Math.round(nanos)} ns`;
  if (size < 1e6) return `${three(nanos / 1e3)} µs`;
  if (size < 1e9) return `${three(nanos / 1e6)} ms`;
  if (size < 120e9) return `${three(nanos / 1e9)} s`;
  return `${Math.floor(nanos / 60e9)} min ${Math.round((nanos % 60e9) / 1e9)} s`;
}

function three(number) {
  const size = Math.abs(number);
  return size >= 99.95 ? number.toFixed(0) : size >= 9.995 ? number.toFixed(1) : number.toFixed(2);
}

// A moment of the run, with as many digits as `span`, the stretch that is looked at, calls for.
export function moment(position, clock, span = 0) {
  if (clock === "place") return `#${Math.round(position)}`;
  const digits = (unit) => (span > 0 ? Math.min(9, Math.max(0, Math.ceil(1.3 - Math.log10(span / unit)))) : 3);
  if (span > 0 && span < 1e4) return `${count(Math.round(position))} ns`;
  if (span > 0 && span < 5e7 && position < 5e8) return `${(position / 1e6).toFixed(digits(1e6))} ms`;
  return `${(position / 1e9).toFixed(digits(1e9))} s`;
}

// 12,345
export function count(number) {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function percent(share) {
  if (share === null || share === undefined) return "–";
  const of = share * 100;
  return `${of > 99.9 && of < 100 ? "99.9" : of === 100 || of === 0 ? of.toFixed(0) : of.toFixed(1)} %`;
}

export function milliseconds(ms) {
  return ms === null || ms === undefined ? "–" : lasting(ms * 1e6);
}

// Cut to what fits, with the whole of it to be found elsewhere.
export function shortened(text, characters) {
  const all = Array.from(text);
  return all.length <= characters ? text : `${all.slice(0, Math.max(1, characters - 1)).join("")}…`;
}

// Round marks for an axis from `from` to `to`, about `wanted` of them.
export function marks(from, to, wanted) {
  const raw = (to - from) / Math.max(1, wanted);
  if (!(raw > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-9; at += step) found.push(at);
  return found;
}

// Puts a text on the clipboard; where that is not allowed, selects it for the reader.
export async function copied(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(shown);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    }
  }
}
