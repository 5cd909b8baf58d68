// Operations in lanes: one for each client, node or key, in rows where several go on at once.

// Of what goes on at once in one lane so many rows are shown; more share the last.
const ROWS_MAX = 6;

// Lanes of the operations in `shown` (ascending), those of the finding's operations first.
export function lanesOf(operations, shown, by, proof) {
  const lane = { "": (i) => operations.client[i], node: (i) => operations.node[i], key: (i) => operations.key[i] }[by];
  const lanes = new Map();
  for (const i of shown) {
    const id = lane(i);
    let found = lanes.get(id);
    if (found === undefined) lanes.set(id, (found = { id, name: nameOf(operations, by, id, i), members: [] }));
    found.members.push(i);
  }
  const first = new Map();
  for (const i of proof) if (!first.has(lane(i))) first.set(lane(i), first.size);
  const all = [...lanes.values()].sort((a, b) => (first.get(a.id) ?? Infinity) - (first.get(b.id) ?? Infinity) || a.id - b.id);
  for (const lane of all) {
    lane.proof = first.has(lane.id);
    arrange(operations, lane);
  }
  return all;
}

function nameOf(operations, by, id, i) {
  if (by === "node") return id === 0 ? "no node" : operations.nodeName(i);
  if (by === "key") return id === 0 ? "no key" : operations.keyName(i);
  return `client ${id}`;
}

// Puts each operation of a lane into the first row that is free, and notes what a search for a window needs.
function arrange(operations, lane) {
  const { members } = lane;
  const free = [];
  lane.row = new Uint8Array(members.length);
  lane.from = new Float64Array(members.length);
  lane.to = new Float64Array(members.length);
  lane.latest = new Float64Array(members.length);
  lane.tally = [0, 1, 2].map(() => new Uint32Array(members.length + 1));
  let latest = -Infinity;
  for (let m = 0; m < members.length; m++) {
    const i = members[m];
    const from = operations.invoked[i];
    lane.from[m] = from;
    lane.to[m] = operations.drawnTo(i);
    let row = free.findIndex((until) => until <= from);
    if (row < 0) row = Math.min(free.length, ROWS_MAX - 1);
    free[row] = lane.to[m];
    lane.row[m] = row;
    latest = Math.max(latest, lane.to[m]);
    lane.latest[m] = latest;
    for (let outcome = 0; outcome < 3; outcome++) lane.tally[outcome][m + 1] = lane.tally[outcome][m] + (operations.outcome(i) === outcome ? 1 : 0);
  }
  lane.rows = Math.max(1, free.length);
  shorten(operations, lane);
}

// What was never answered is drawn up to its row's next operation, and no longer than to the end.
function shorten(operations, lane) {
  const next = [];
  for (let m = lane.members.length - 1; m >= 0; m--) {
    const i = lane.members[m];
    const row = lane.row[m];
    if (!operations.hasReply(i) && next[row] !== undefined) lane.to[m] = Math.min(lane.to[m], next[row]);
    next[row] = operations.invoked[i];
  }
  // The latest end so far stays an upper bound, which is all that a search for a window asks of it.
}
