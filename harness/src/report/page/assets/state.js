// What is looked at, kept in the address's fragment so that a link shows the same again.

const DEFAULTS = { run: "", finding: "", lanes: "", from: "", to: "", q: "", key: "", node: "", kind: "", outcome: "", fault: "", pin: "" };

const listeners = [];
let current = read();

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const state = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) state[name] = given.get(name) ?? "";
  return state;
}

export function state() {
  return current;
}

// Changes some of it; every listener hears what was changed.
export function change(changes) {
  const before = current;
  current = { ...current, ...changes };
  const changed = Object.keys(current).filter((name) => current[name] !== before[name]);
  if (changed.length === 0) return;
  write();
  for (const listener of listeners) listener(current, changed);
}

// As `change`, of what nobody but its maker shows: the window while it is dragged.
export function note(changes) {
  current = { ...current, ...changes };
  clearTimeout(note.timer);
  note.timer = setTimeout(write, 200);
}

export function onChange(listener) {
  listeners.push(listener);
}

function write() {
  const kept = Object.entries(current).filter(([, value]) => value !== "");
  const fragment = new URLSearchParams(kept).toString();
  history.replaceState(null, "", fragment === "" ? location.pathname + location.search : `#${fragment}`);
}

addEventListener("hashchange", () => {
  const before = current;
  current = read();
  const changed = Object.keys(current).filter((name) => current[name] !== before[name]);
  for (const listener of listeners) listener(current, changed);
});
