// The operations of a run: columns of numbers, unpacked from the page.

import { moment } from "./dom.js";

// A run's operations, or null where the page holds none of them.
export async function unpacked(meta, encoded) {
  if (!meta || encoded === null) return null;
  const packed = bytesOf(encoded);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Operations(meta, new Uint8Array(await new Response(stream).arrayBuffer()));
}

function bytesOf(encoded) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(encoded);
  const text = atob(encoded);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const LOCKS = ["acquire", "release"];
export const OUTCOMES = ["ok", "fail", "info"];

export class Operations {
  constructor(meta, bytes) {
    this.meta = meta;
    this.clock = meta.clock;
    this.count = meta.kept;
    let begin = 0;
    const part = {};
    for (const [name, length] of meta.columns) {
      part[name] = bytes.subarray(begin, begin + length);
      begin += length;
    }
    const numbers = (name, make) => fill(part[name], make(this.count));
    const floats = (length) => new Float64Array(length);
    const whole = (length) => new Int32Array(length);
    this.id = summed(numbers("id", floats));
    this.client = numbers("client", floats);
    this.node = numbers("node", whole);
    this.key = numbers("key", whole);
    this.kind = numbers("kind", whole);
    this.invoked = summed(numbers("invoked", floats));
    this.lasted = numbers("lasted", floats);
    this.call = summed(numbers("call", floats));
    this.reply = numbers("reply", floats);
    this.error = numbers("error", whole);
    this.term = numbers("term", floats);
    this.served = numbers("served", whole);
    this.version = numbers("version", floats);
    this.texts = new TextDecoder().decode(part.text).split("\n");
    this.end = meta.end;
    this.latest = Math.max(...[this.end, 1]);
  }

  outcome(i) {
    return this.kind[i] % 3;
  }

  outcomeName(i) {
    return OUTCOMES[this.kind[i] % 3];
  }

  functionName(i) {
    return this.meta.functions[Math.floor(this.kind[i] / 3)];
  }

  keyName(i) {
    return this.key[i] === 0 ? "" : this.meta.keys[this.key[i] - 1];
  }

  nodeName(i) {
    return this.node[i] === 0 ? "" : this.meta.nodes[this.node[i] - 1];
  }

  errorText(i) {
    return this.error[i] === 0 ? "" : this.meta.errors[this.error[i] - 1];
  }

  hasReply(i) {
    return this.lasted[i] > 0;
  }

  // When it was answered; Infinity where it never was.
  completed(i) {
    return this.lasted[i] > 0 ? this.invoked[i] + this.lasted[i] - 1 : Infinity;
  }

  // Up to where it is drawn.
  drawnTo(i) {
    return this.lasted[i] > 0 ? this.invoked[i] + this.lasted[i] - 1 : this.latest;
  }

  // "write r7 37", "read r7 -> 37", "txn read x -> 1, write y 2"
  action(i) {
    if (this.functionName(i) === "txn") return `txn ${this.micros(i).join(", ")}`;
    // A lock is asked for nothing and answers nothing: that is no answer of nil.
    const text = LOCKS.includes(this.functionName(i)) && this.texts[i] === "-> nil" ? "" : this.texts[i];
    return [this.functionName(i), this.keyName(i), text].filter((word) => word !== "").join(" ");
  }

  // What a transaction did, or was to do, one by one, from `[r x 1, w y 2]`.
  micros(i) {
    const word = { r: "read", w: "write" };
    return parted(this.texts[i].replace(/^\[/, "").replace(/\]$/, "")).map((part) => {
      const [name, key, ...value] = part.split(" ");
      if (key === undefined) return part;
      const told = name === "r" ? ["->", ...(value.length > 0 ? value : ["?"])] : value;
      return [word[name] ?? name, key, ...told].join(" ");
    });
  }

  // A moment with as many digits as the run calls for.
  when(position) {
    return moment(position, this.clock, Math.min(this.end / 20, 2e7));
  }

  line(event) {
    const base = this.meta.first_line;
    return base === null || base === undefined ? null : event + base;
  }

  // The operation whose invocation or completion is this event; -1 where the page does not hold it.
  ofEvent(event) {
    const at = this.ofCall(event);
    if (at >= 0) return at;
    this.byReply ??= new Map(Array.from(this.reply, (reply, i) => [reply > 0 ? this.call[i] + reply : -1, i]));
    return this.byReply.get(event) ?? -1;
  }

  // Invocations stand in the order of their events, but where a file's times say otherwise.
  ofCall(event) {
    const at = lowerBound(this.call, event);
    if (this.call[at] === event) return at;
    this.byCall ??= new Map(Array.from(this.call, (call, i) => [call, i]));
    return this.byCall.get(event) ?? -1;
  }
}

// The first place in an ascending array at which `value` could stand.
export function lowerBound(array, value) {
  let low = 0;
  let high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Variable-length integers, seven bits a byte, the lowest first.
function fill(bytes, numbers) {
  let at = 0;
  for (let i = 0; i < numbers.length; i++) {
    let byte = bytes[at++];
    let value = byte & 127;
    let scale = 128;
    while (byte > 127) {
      byte = bytes[at++];
      value += (byte & 127) * scale;
      scale *= 128;
    }
    numbers[i] = value;
  }
  return numbers;
}

// Differences, of which the lowest bit says whether one is negative, to what they add up to.
function summed(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) {
    const coded = numbers[i];
    sum += coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
    numbers[i] = sum;
  }
  return numbers;
}

// Cut at its commas, but not at those within brackets, braces and quotes.
function parted(text) {
  const parts = [];
  let [depth, quoted, start] = [0, false, 0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"' && text[at - 1] !== "\\") quoted = !quoted;
    if (quoted) continue;
    if ("[{(".includes(text[at])) depth++;
    if ("]})".includes(text[at])) depth--;
    if (depth !== 0 || !text.startsWith(", ", at)) continue;
    parts.push(text.slice(start, at));
    start = at + 2;
  }
  return [...parts, text.slice(start)];
}
