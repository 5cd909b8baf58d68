// Dark and light: as the system has it, or as the reader chose.

const names = ["ink", "muted", "faint", "line", "paper", "panel", "ok", "fail", "info", "bad", "good", "doubt", "fault", "fault-line", "focus"];
const listeners = [];
let colours = null;

// The colours in force, for what is painted on a canvas.
export function theme() {
  if (colours === null) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

// Whether the page is being printed: what is drawn has to be there at once, and whole.
export function isPrinting() {
  return document.documentElement.dataset.print === "yes";
}

export function onTheme(listener) {
  listeners.push(listener);
}

function repaint() {
  colours = null;
  for (const listener of listeners) listener();
}

function stored() {
  try {
    return localStorage.getItem("partita-theme");
  } catch {
    return null;
  }
}

export function chosenTheme() {
  return document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export function toggleTheme() {
  const next = chosenTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("partita-theme", next);
  } catch {
    // A page without storage forgets the choice when it is closed.
  }
  repaint();
}

export function startTheme() {
  const kept = stored();
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  // Paper is white, also for what was painted on a dark screen, and shows what is folded away.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.print = "yes";
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const folded of unfolded) folded.open = true;
    repaint();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.print;
    for (const folded of unfolded) folded.open = false;
    repaint();
  });
}
