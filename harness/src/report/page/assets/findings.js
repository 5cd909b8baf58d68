// What was found: each proof once, with every model that it is told against.

// Kinds that tell that there is no order, and no more.
const UNEXPLAINED = ["not-linearizable", "not-sequential", "no-version-order"];

const LOST = ["lost-write", "split-brain", "resurrected", "revived", "diverged", "missing-replica"];

// Whether a finding is about what replicas hold, or no longer hold.
export function isLoss(finding) {
  return LOST.includes(finding.kind);
}

// The findings of a run, those that break a promise first.
export function findingsOf(run) {
  const found = new Map();
  for (const verdict of run.outcome.verdicts ?? []) {
    for (const [place, anomaly] of (verdict.anomalies ?? []).entries()) {
      const id = `${anomaly.kind} ${anomaly.summary} ${(anomaly.events ?? []).join(",")}`;
      const known = found.get(id);
      const against = { model: verdict.model, promised: verdict.expected === "valid", given: verdict.expected === "invalid" };
      if (known) {
        if (!known.against.some((other) => other.model === verdict.model)) known.against.push(against);
      } else {
        found.set(id, { ...anomaly, against: [against], method: verdict.method, extra: run.extras?.[verdict.model]?.[place] ?? null });
      }
    }
  }
  const all = [...found.values()];
  const weight = (finding) => (finding.against.some((one) => one.promised) ? 0 : finding.against.some((one) => one.given) ? 1 : 2);
  // What says the most comes first: the weakest of what is violated, and a reason rather than the lack of an order.
  const weakest = run.outcome.weakest_violated ?? [];
  const says = (finding) => (finding.against.some((one) => weakest.includes(one.model)) ? 0 : 2) + (UNEXPLAINED.includes(finding.kind) ? 1 : 0);
  all.sort((a, b) => weight(a) - weight(b) || says(a) - says(b));
  // One of each kind comes before the second of any.
  const told = new Map();
  for (const finding of all) {
    finding.nth = told.get(finding.kind) ?? 0;
    told.set(finding.kind, finding.nth + 1);
  }
  all.sort((a, b) => weight(a) - weight(b) || a.nth - b.nth);
  return all.map((finding, number) => ({ ...finding, number, promised: weight(finding) === 0 }));
}

// The finding's operations on this page in the order of the telling, each with what it proves.
export function stepsOf(finding, operations) {
  if (!operations) return [];
  const all = finding.operations ?? [];
  const told = finding.steps?.length ? finding.steps.map((step) => ({ event: all[step.operation].event, note: all[step.operation].note ?? "", completed: step.completed })) : (finding.events ?? []).map((event) => ({ event, note: "", completed: true }));
  const steps = told.map((step) => ({ ...step, op: operations.ofEvent(step.event) })).filter((step) => step.op >= 0);
  const seen = new Set();
  return steps.filter((step) => !seen.has(step.op) && seen.add(step.op));
}

// The place of the step that cannot be: of what was lost that of the write; of a lock that two held that of the second, which
// what the first did later only confirms; of everything else the last. -1 where there is no step.
export function culpritOf(finding, steps, operations) {
  if (isLoss(finding)) return Math.min(0, steps.length - 1);
  const given = finding.kind === "two-holders" ? steps.findLastIndex(({ op }) => operations.functionName(op) === "acquire") : -1;
  return given >= 0 ? given : steps.length - 1;
}

// What comes before what in a finding's proof, the cycle first; each with whether it is on the cycle, or a reason for it.
export function relationsOf(finding, operations) {
  const edges = finding.edges ?? [];
  const next = new Map();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const reaches = (from, wanted) => {
    const seen = new Set();
    const open = [from];
    while (open.length > 0) {
      const at = open.pop();
      if (at === wanted) return true;
      if (seen.has(at)) continue;
      seen.add(at);
      open.push(...(next.get(at) ?? []));
    }
    return false;
  };
  const op = (place) => operations?.ofEvent(finding.operations[place].event) ?? -1;
  const told = edges.map((edge) => ({ ...edge, a: op(edge.from), b: op(edge.to), onCycle: reaches(edge.to, edge.from) })).filter((edge) => edge.a >= 0 && edge.b >= 0 && edge.a !== edge.b);
  return [...told.filter((edge) => edge.onCycle), ...told.filter((edge) => !edge.onCycle)].map((edge, i) => ({ ...edge, number: i + 1 }));
}

// From the first of these operations to the last thing that they saw: what a view of them has to hold.
export function extent(steps, operations) {
  let from = Infinity;
  let to = -Infinity;
  for (const { op } of steps) {
    from = Math.min(from, operations.invoked[op]);
    to = Math.max(to, operations.hasReply(op) ? operations.completed(op) : operations.invoked[op]);
  }
  return from <= to ? [from, to] : null;
}

// The faults of a run as bands on its clock.
export function bandsOf(run) {
  return (run.outcome.fault_windows ?? []).map((window, place) => ({
    place,
    name: window.fault,
    what: window.what,
    from: window.from_ms * 1e6,
    to: window.to_ms === null || window.to_ms === undefined ? Infinity : window.to_ms * 1e6,
    applied: window.applied,
    evidence: window.evidence,
  }));
}

// What a run is called: by what it was, or by its file.
export function titleOf(run) {
  const { workload, mode, faults, seed } = run.outcome;
  const file = run.about.find(([name]) => name === "file");
  if (file) return file[1];
  return `${workload} × ${mode} × ${faults?.length > 0 ? faults.join(",") : "no faults"}, seed ${seed}`;
}
