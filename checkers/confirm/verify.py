#!/usr/bin/env python3
"""Verifies a certificate of Partita: verify.py HISTORY CERTIFICATE. Written from docs/certificates.md; shares no code with Partita."""

import copy
import gzip
import hashlib
import json
import sys
from collections import deque

STATES_MAX = 200_000


class Refused(Exception):
    """The evidence is wrong."""


class Undecided(Exception):
    """There is too much to try, or no rule here."""


class Op:
    """An invocation with its completion. `end` is None where nothing bounds when it took effect."""

    __slots__ = ("index", "process", "f", "key", "call", "reply", "outcome", "seen", "start", "end", "place")

    def __init__(self, event):
        self.index, self.process, self.f = event["index"], event["process"], event["f"]
        self.key = name(event["key"]) if event.get("key") is not None else None
        self.call, self.reply, self.outcome, self.seen = frozen(event.get("value")), None, "info", False
        self.start, self.end = event.get("time"), None

    def certain(self):
        return self.outcome == "ok" or self.seen

    def reads(self):
        return self.f in ("read", "read-all")


def name(key):
    return key if isinstance(key, str) else json.dumps(key)


def frozen(value):
    """A JSON value that can be compared and hashed: lists and maps are tuples that begin with their kind."""
    if isinstance(value, list):
        return ("list", *map(frozen, value))
    if isinstance(value, dict):
        return ("map", *sorted((key, frozen(item)) for key, item in value.items()))
    return ("bool", value) if isinstance(value, bool) else value


def is_list(value):
    return isinstance(value, tuple) and value[0] == "list"


def items(value):
    return value[1:] if is_list(value) else ()


def load(path):
    """The operations of a history in the order of their invocations, whether it has times, and its digest."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    digest = hashlib.sha256(data).hexdigest()
    operations, open_of, timed, ends = [], {}, True, []
    for line in data.splitlines():
        event = json.loads(line) if line.strip() else {}
        process = event.get("process")
        if not isinstance(process, int) or isinstance(process, bool):
            continue
        event.setdefault("index", len(operations) + len(ends))
        timed = timed and event.get("time") is not None
        if event["type"] == "invoke":
            op = open_of[process] = Op(event)
            operations.append(op)
            continue
        op = open_of.pop(process)
        op.outcome = event["type"]
        if op.outcome == "ok":
            op.reply = frozen(event.get("value"))
        elif op.outcome == "fail" and op.f == "cas" and "seen" in event:
            op.reply, op.seen = frozen(event["seen"]), True
        if op.outcome != "info":
            ends.append((op, event.get("time"), event["index"]))
    for op in operations:
        op.start = op.start if timed else op.index
    for op, time, index in ends:
        op.end = time if timed else index
    return operations, digest


# Objects: which kind, what an operation asks of it, and one step.

KINDS = [
    ("register", {"read", "write", "cas"}),
    ("list", {"append", "read", "read-all", "write"}),
    ("set", {"add", "remove", "read", "read-all"}),
    ("counter", {"increment", "decrement", "add", "read"}),
    ("queue", {"enqueue", "dequeue", "drain"}),
    ("stack", {"push", "pop"}),
    ("lock", {"acquire", "release"}),
    ("bank", {"transfer", "read", "read-all"}),
]


def objects(operations):
    """By key the operations and the kind of object, or why there is none."""
    keys = {}
    for op in operations:
        if op.f != "dump":
            keys.setdefault(op.key, []).append(op)
    traits = {key: Traits(ops) for key, ops in keys.items()}
    strings = any("append" in t.names and not t.puts_others for t in traits.values())
    collections = any(t.names & {"append", "add"} for t in traits.values())
    elsewhere = traits[None].names - {"read", "read-all", "write", "cas"} if None in traits else set()
    found = {}
    for key, t in traits.items():
        foreign = key is not None and elsewhere
        found[key] = (keys[key], None if foreign else t.kind(strings, collections))
    return found


class Traits:
    """What the operations of one key are like."""

    def __init__(self, ops):
        self.names = {op.f for op in ops}
        shown = [op.reply for op in ops if op.reads() and op.outcome == "ok"]
        self.puts_others = any(not op.reads() and not isinstance(op.call, str) for op in ops)
        self.lists = any(is_list(value) for value in shown)
        self.numbers = any(isinstance(value, int) for value in shown)
        self.maps = any(isinstance(value, tuple) and value[0] == "map" for value in shown)
        self.others = self.numbers or self.maps or any(isinstance(v, tuple) and v[0] == "bool" for v in shown)
        self.foreign = False
        for op in ops if "txn" in self.names else ():
            asked = [items(micro)[:1] for micro in items(op.call)]
            empty = any(items(m)[:1] == ("r",) and items(m)[2:] == (("list",),) for m in items(op.reply))
            self.foreign |= not is_list(op.call) or any(f not in (("r",), ("w",)) for f in asked) or empty

    def kind(self, strings, collections):
        only = self.names.issubset
        if strings and only({"read", "write"}) and not (self.puts_others or self.lists or self.others):
            return "string"
        if only({"read"}) and collections and self.lists and not self.others:
            return "set"
        if only({"read"}) and (self.lists or self.maps):
            return None
        if only({"txn"}):
            return None if self.foreign else "transactions"
        kind = next((kind for kind, names in KINDS if only(names)), None)
        if kind == "list" and not self.puts_others and not self.lists:
            return "string"
        return "counter" if kind == "set" and self.numbers else kind


INITIAL = {"register": None, "string": "", "counter": 0, "lock": False, "bank": None}
CONTAINER = {"list": list, "set": set, "queue": deque, "stack": list, "transactions": dict}


def initial(kind):
    return [CONTAINER[kind]() if kind in CONTAINER else INITIAL[kind]]


def action(kind, op):
    """What an operation asks and was told; None where it says nothing."""
    if op.outcome == "fail" and not op.seen or op.reads() and op.outcome != "ok":
        return None
    known = op.outcome == "ok"
    if kind == "transactions":
        return ("steps", tuple(items(micro) for micro in items(op.reply if known and op.reply else op.call)), known)
    if op.reads() or op.seen:
        blank = {"string": "", "counter": 0}.get(kind) if op.reply is None else op.reply
        return ("show", blank)
    if op.f == "cas":
        return ("swap", *items(op.call))
    if op.f in ("dequeue", "pop", "drain"):
        takes = "dequeue" if op.f == "drain" and not known else op.f
        return (takes, op.reply if known else None, known)
    if kind == "counter":
        amount = 1 if op.call is None else op.call
        return ("change", -amount if op.f == "decrement" else amount)
    return (op.f, ("" if kind == "string" else ("list",) if kind == "list" and op.f == "write" else None)
            if op.call is None else op.call)


def only_looks(asked):
    return asked[0] == "show" or asked[0] == "steps" and all(step[0] == "r" for step in asked[1])


def step(kind, cell, asked):
    """Takes a step in place; false where the object would not have answered so."""
    f, held = asked[0], cell[0]
    if kind == "transactions":
        return all(transact(held, micro, asked[2]) for micro in asked[1])
    if f == "show":
        return shows(kind, cell, asked[1])
    if f in ("write", "swap"):
        if f == "swap" and held != asked[1]:
            return False
        cell[0] = list(items(asked[1])) if kind == "list" else asked[-1]
    elif f == "append":
        cell[0] = held + asked[1] if kind == "string" else held
        if kind == "list":
            held.append(asked[1])
    elif f == "change":
        cell[0] = held + asked[1]
    elif f == "add":
        held.add(asked[1])
    elif f == "remove":
        held.discard(asked[1])
    elif f in ("enqueue", "push"):
        held.append(asked[1])
    elif f in ("dequeue", "pop"):
        taken = (held.popleft() if f == "dequeue" else held.pop()) if held else None
        return not asked[2] or taken == asked[1]
    elif f == "drain":
        taken = sorted(map(repr, held))
        held.clear()
        return taken == sorted(map(repr, items(asked[1])))
    elif f in ("acquire", "release"):
        cell[0] = f == "acquire"
        return held != cell[0]
    elif f == "transfer":
        return transfer(held, asked[1])
    else:
        return False
    return True


def shows(kind, cell, seen):
    held = cell[0]
    if kind == "list":
        return list(items(seen)) == held
    if kind == "set":
        return set(items(seen)) == held
    if kind == "bank":
        shown = {account: balance for account, balance in seen[1:] if balance}
        cell[0] = held = shown if held is None else held
        return shown == {account: balance for account, balance in held.items() if balance}
    return seen == held


def transact(held, micro, known):
    f, key, value = micro
    if f == "w":
        held[key] = value
        return True
    return not known or held.get(key) == value


def transfer(held, asked):
    parts = dict(asked[1:]) if asked[0] == "map" else dict(zip(("from", "to", "amount"), items(asked)))
    for account, sign in ((parts["from"], -1), (parts["to"], 1)) if held is not None else ():
        account = name(account)
        held[account] = held.get(account, 0) + sign * parts["amount"]
    return True


# Models that held.

ORDERS = {
    "linearizable": (True, False), "strict-serializable": (True, False), "sequential": (False, True),
    "strong-session-serializable": (False, True), "real-time-causal": (True, True), "serializable": (False, False),
    "repeatable-read": (False, False),
}
BELOW_CONVERGENCE = {
    "causal", "read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads", "read-atomic",
    "read-committed-be",
}
IMPLIED = {
    "sequential": BELOW_CONVERGENCE | {"causal-memory", "pram", "causal-convergence"},
    "causal-convergence": BELOW_CONVERGENCE,
}


def check_order(operations, order, real_time, sessions):
    counted, cells = {}, {}
    for key, (ops, kind) in objects(operations).items():
        if kind is None:
            raise Refused(f"no object has the operations of {key}")
        cells[key] = (kind, initial(kind))
        counted.update((op.index, (op, asked)) for op in ops if (asked := action(kind, op)) is not None)
    earlier, done = {}, {}
    for op, _ in sorted(counted.values(), key=lambda pair: pair[0].index):
        op.place = earlier.get(op.process, 0)
        earlier[op.process] = op.place + op.certain()
    latest, placed = 0, set()
    for index in order:
        if index not in counted or index in placed:
            raise Refused(f"{index} stands twice, or is no operation that an order can hold")
        placed.add(index)
        op, asked = counted[index]
        if real_time and op.end is not None and op.end < latest:
            raise Refused(f"{index} ended before what stands earlier began")
        latest = max(latest, op.start)
        if sessions and done.get(op.process, 0) < op.place:
            raise Refused(f"{index} stands before an earlier operation of its session")
        done[op.process] = done.get(op.process, 0) + op.certain()
        if not step(*cells[op.key], asked):
            raise Refused(f"{index} would not have been answered so")
    for index, (op, _) in counted.items():
        if op.certain() and index not in placed:
            raise Refused(f"{index} is left out")


def accesses(op):
    """What an operation did to registers: (reads or writes, register, value)."""
    own = "" if op.key is None else op.key
    if op.f == "txn":
        done = op.reply if op.outcome == "ok" else op.call if op.outcome == "info" else None
        kinds = {"r": "read", "w": "write"}
        all_of = [(kinds.get(f, "other"), name(key), value) for f, key, value in map(items, items(done))]
        return [access for access in all_of if op.outcome == "ok" or access[0] != "read"]
    if op.f == "read" and op.outcome == "ok" or op.seen:
        return [("read", own, op.reply)]
    if op.outcome == "fail":
        return []
    if op.f == "cas":
        return [(what, own, value) for what, value in zip(("read", "write"), items(op.call))]
    return [("write", own, op.call)] if op.f == "write" else []


class Transaction:
    """An operation as reads of registers from outside, and the last write of each register."""

    def __init__(self, op):
        self.op, self.reads, self.writes, self.sources, self.other = op, [], {}, [], False
        for what, key, value in accesses(op):
            self.other |= what == "other"
            if what == "write":
                self.writes[key] = value
            elif key not in self.writes:
                self.reads.append((key, value))
            elif self.writes[key] != value:
                self.other = True


def columns(operations):
    """The transactions that count, by index, and their sessions in order."""
    if any(kind not in ("register", "transactions") for _, kind in objects(operations).values()):
        raise Refused("not every key is a register")
    everything = [Transaction(op) for op in operations]
    writers = {}
    for t in everything:
        if t.op.f not in ("read", "write", "cas", "txn", "dump") or t.other:
            raise Refused(f"{t.op.index} is no operation on registers that sees its own writes")
        for held in t.writes.items():
            writers.setdefault(held, []).append(t)
    for t in everything:
        for held in t.reads:
            found = writers.get(held, [])
            if found if held[1] is None else (len(found) != 1 or found[0] is t):
                raise Refused(f"{t.op.index} does not tell what it read")
            t.sources.append((held[0], found[0] if found else None))
    counted, open_ones = {}, [t for t in everything if t.op.certain() and (t.reads or t.writes)]
    while open_ones:
        t = open_ones.pop()
        if counted.setdefault(t.op.index, t) is t and not hasattr(t, "counts"):
            t.counts = True
            open_ones.extend(source for _, source in t.sources if source)
    sessions = {}
    for index in sorted(counted):
        session = sessions.setdefault(counted[index].op.process, [])
        counted[index].place = len(session)
        session.append(counted[index])
    return counted, sessions


def check_arbitration(operations, model, order):
    counted, sessions = columns(operations)
    position = {index: place for place, index in enumerate(order)}
    if len(position) < len(order) or not position.keys() <= counted.keys():
        raise Refused("the order names something twice, or that does not count")
    needed = counted if model in ("causal", "causal-convergence") else [i for i, t in counted.items() if t.writes]
    if any(index not in position for index in needed):
        raise Refused("the order leaves something out")
    if model in ("causal", "causal-convergence"):
        check_causal(counted, sessions, position, order, model == "causal-convergence")
    elif any(t.op.f == "txn" for t in counted.values()):
        raise Refused("an order of single writes tells nothing of transactions")
    else:
        for session in sessions.values():
            check_session(session, position, model)


def check_causal(counted, sessions, position, order, converges):
    written, clocks = {}, {}
    for process, session in sessions.items():
        for t in session:
            for key in t.writes:
                written.setdefault(key, {}).setdefault(process, []).append(t)
    for index in order:
        t, clock = counted[index], {}
        before = sessions[t.op.process][t.place - 1:t.place] if t.place else []
        for other in before + [source for _, source in t.sources if source]:
            if position[other.op.index] >= position[index]:
                raise Refused(f"{index} stands before {other.op.index}, which it follows")
            for process, count in clocks[other.op.index].items():
                clock[process] = max(clock.get(process, 0), count)
            clock[other.op.process] = max(clock.get(other.op.process, 0), other.place + 1)
        clocks[index] = clock
        for key, source in t.sources:
            for process, writes in written.get(key, {}).items():
                last = last_before(writes, clock.get(process, 0))
                if last is None or last is source:
                    continue
                if source is None:
                    raise Refused(f"{index} read the initial value after {last.op.index}")
                newer = position[last.op.index] > position[source.op.index]
                past = clocks[last.op.index].get(source.op.process, 0) > source.place
                if newer if converges else past:
                    raise Refused(f"{index} had seen {last.op.index}, which overwrote what it read")


def last_before(writes, count):
    low, high = 0, len(writes)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if writes[middle].place < count else (low, middle)
    return writes[low - 1] if low else None


def check_session(session, position, model):
    newest, of_all = {}, -1
    for t in session:
        index = t.op.index
        for key, source in t.sources:
            shown = position[source.op.index] if source else -1
            if model in ("read-your-writes", "monotonic-reads") and shown < newest.get(key, -1):
                raise Refused(f"{index} was shown less than its session had written or seen")
            if model == "monotonic-reads":
                newest[key] = max(shown, newest.get(key, -1))
            if model == "writes-follow-reads":
                of_all = max(of_all, shown)
        for key in t.writes:
            if model in ("monotonic-writes", "writes-follow-reads") and position[index] <= of_all:
                raise Refused(f"{index} wrote before what its session had written or seen")
            if model == "monotonic-writes":
                of_all = position[index]
            if model == "read-your-writes" and t.op.outcome == "ok":
                newest[key] = max(position[index], newest.get(key, -1))


# Models that were violated.

def legal(entries, before, kinds):
    """Whether an order of (object, action, required) is legal that keeps `before`, which is one mask an entry."""
    needed = sum(1 << i for i, entry in enumerate(entries) if entry[2])
    after = [sum(1 << j for j in range(len(entries)) if before[j] >> i & 1) for i in range(len(entries))]
    open_ones, tried = [(0, {key: initial(kind) for key, kind in kinds.items()})], set()
    while open_ones:
        done, cells = open_ones.pop()
        if done & needed == needed:
            return True
        if len(tried) > STATES_MAX:
            raise Undecided("there are too many orders to try")
        for i, (key, asked, required) in enumerate(entries):
            if done >> i & 1 or before[i] & needed & ~done or not required and after[i] & done:
                continue
            cell = copy.copy([copy.copy(cells[key][0])])
            if step(kinds[key], cell, asked):
                following = {**cells, key: cell}
                state = (done | 1 << i, tuple(repr(sorted(c[0], key=repr) if isinstance(c[0], set) else c[0])
                                              for c in following.values()))
                if state not in tried:
                    tried.add(state)
                    open_ones.append((done | 1 << i, following))
                if required and only_looks(asked):
                    break
    return False


def about(asked, elements):
    """What an action says of some elements of a set, a queue or a stack; None where it is about another one."""
    if asked[0] in ("show", "drain"):
        return (asked[0], ("list", *(item for item in items(asked[1]) if item in elements)), True)
    taken = asked[0] in ("dequeue", "pop") and (not asked[2] or asked[1] is None)
    return asked if taken or asked[1] in elements else None


def check_linearizable(operations, proof, inside):
    ops, kind = objects(operations)[proof.get("key")]
    if kind is None or any(op.key != proof.get("key") for op in inside):
        raise Refused("not all is on one object")
    asked_of = {op.index: asked for op in ops if (asked := action(kind, op)) is not None}
    ops, too_many = [op for op in ops if op.index in asked_of], None
    ends = [float("inf") if op.end is None else op.end for op in inside]
    choices = {"set": (False, True), "queue": (True,)}.get(kind, (False,))
    for all_shown, end in ((all_shown, end) for all_shown in choices for end in {ends[-1], max(ends)}):
        try:
            began = [op for op in ops if op.start <= end]
            if not explained(began, kind, asked_of, {op.index for op in inside}, end, all_shown):
                return
        except Undecided as error:
            too_many = error
    raise too_many or Refused("the operations have a legal order")


def explained(ops, kind, asked_of, inside, end, all_shown):
    """Whether an order explains the operations of a proof, of what happened until `end`, whatever the others did.

    Of a set or queue it looks at the elements that the proof adds or removes, and at those that its reads show: at all of
    these, or at those that were never added."""
    named, chosen = inside & {op.index for op in ops}, {}
    sure = {op.index for op in ops if op.certain() and op.end <= end}
    if kind in ("register", "lock", "counter") and contradicts_whole(ops, asked_of, named & sure, kind):
        return False
    for op in ops:
        asked = asked_of[op.index]
        if op.index in named:
            chosen[op.index] = asked, op.index in sure
        elif kind not in ("register", "transactions") and not only_looks(asked):
            chosen[op.index] = asked, False
    if kind in ("register", "transactions") and not closed_under_writers(ops, named, chosen):
        return True
    if kind in ("set", "queue", "stack"):
        elements = {asked_of[index][1] for index in named if asked_of[index][0] not in ("show", "drain")}
        shown = {item for index in named if asked_of[index][0] in ("show", "drain")
                 for item in items(asked_of[index][1])}
        put = {asked[1] for asked in asked_of.values() if asked[0] in ("add", "remove", "enqueue", "push")}
        elements |= shown if all_shown else shown - put
        looks = kind == "set" and named or asked_of
        chosen = {op.index: (about(asked_of[op.index], elements), op.certain()) for op in ops
                  if about(asked_of[op.index], elements) and (asked_of[op.index][0] != "show" or op.index in looks)}
    ops = [op for op in ops if op.index in chosen]
    entries = [(None, *chosen[op.index]) for op in ops]
    before = [sum(1 << j for j, a in enumerate(ops) if a.end is not None and a.end < b.start and entries[j][2])
              for b in ops]
    return legal(entries, before, {None: kind})


def contradicts_whole(ops, asked_of, needed, kind):
    """Whether no order holds the needed operations, whatever the others did in their time."""
    ops = [op for op in ops if op.index in needed or not only_looks(asked_of[op.index])]
    before = [sum(1 << j for j, a in enumerate(ops) if a.end is not None and a.end < b.start) for b in ops]
    try:
        return not legal([(None, asked_of[op.index], op.index in needed) for op in ops], before, {None: kind})
    except Undecided:
        return False


def closed_under_writers(ops, named, chosen):
    """Whether what was seen was written inside, if at all; a swap from what was not counts as a write."""
    transactions = [(op, Transaction(op)) for op in ops]
    for op, t in transactions:
        if op.index in named:
            lacks = any(held in other.writes.items() and o.index not in named for o, other in transactions
                        for held in t.reads)
            if lacks and op.f == "cas" and op.outcome != "fail":
                chosen[op.index] = ("write", chosen[op.index][0][2]), op.certain()
            elif lacks:
                return False
    return True


def check_sequential(operations, inside):
    if any(objects(operations)[op.key][1] not in ("register", "transactions") for op in inside):
        raise Undecided("no rule here for other objects than registers")
    part = Part(operations, inside)
    written = [(op.index, key, value) for op in operations for what, key, value in accesses(op) if what == "write"]
    for t in part.all:
        for key, value in t.reads:
            if value is not None and not any(w[1:] == (key, value) and w[0] != t.op.index for w in written):
                return
    if part.serial():
        return
    told, entries = {(reader, key) for reader, key, _ in part.reads}, []
    for i, t in enumerate(part.all):
        steps = [("r", key, value) for key, value in t.reads if (i, key) in told]
        steps += [("w", key, value) for key, value in t.writes.items()]
        entries.append((None, ("steps", tuple(steps), True), True))
    order = closure(part.session | part.rf)
    before = [sum(1 << a for a in range(len(entries)) if (a, b) in order) for b in range(len(entries))]
    if legal(entries, before, {None: "transactions"}):
        raise Refused("the operations have a valid order, as far as their reads tell")


def check_pairs(operations, model, inside):
    def wrote(op):
        return [value for what, _, value in accesses(op) if what == "write"]

    def saw(op):
        value = next((value for what, _, value in accesses(op) if what == "read"), frozen({}))
        found = [o for o in operations if o is not op and o.key == op.key and wrote(o) == [value]]
        if not found and value is not None and wrote(op) == [value]:
            return op
        if value == frozen({}) or len(found) > 1 or (found and value is None) or not found and value is not None:
            raise Refused(f"{op.index} does not tell what it read")
        return found[0] if found else None

    hops = []
    for a, b in zip(inside[::2], inside[1::2]):
        same = a.key == b.key or model in ("monotonic-writes", "writes-follow-reads")
        late = a.index > b.index or a is b and model != "writes-follow-reads"
        first = a if model in ("read-your-writes", "monotonic-writes") else saw(a)
        last = b if model in ("monotonic-writes", "writes-follow-reads") else saw(b)
        unmade = any(end is made and not wrote(end) for end, made in ((first, a), (last, b)))
        if a.process != b.process or late or not same or first is None or unmade or (
                model == "read-your-writes" and a.outcome != "ok"):
            raise Refused(f"{a.index} and {b.index} demand nothing")
        hops.append((first, last))
    proper = len(hops) > 1 or model == "writes-follow-reads"
    circle = proper and len(inside) % 2 == 0 and all(hops[i - 1][1] is hops[i][0] for i in range(len(hops)))
    if not circle and not (len(hops) == 1 and hops[0][1] is None):
        raise Refused("the demands form no circle")


class Part:
    """Some transactions, with session order, reads-from, and reads as (reader, register, writer)."""

    def __init__(self, operations, inside):
        self.all = [Transaction(op) for op in inside]
        count = range(len(self.all))
        self.session = {(a, b) for a in count for b in count if inside[a].process == inside[b].process
                        and inside[a].outcome != "info" and inside[a].index < inside[b].index}
        self.reads, place = [], {op.index: i for i, op in enumerate(inside)}
        every = [Transaction(op) for op in operations]
        for i, t in enumerate(self.all):
            for key, value in t.reads:
                found = [o.op.index for o in every if o.writes.get(key, frozen({})) == value and o.op is not t.op]
                if len(found) == 1 and value is not None and found[0] in place or not found and value is None:
                    self.reads.append((i, key, place[found[0]] if found else None))
        self.rf = {(writer, reader) for reader, _, writer in self.reads if writer is not None}

    def overwritten(self, past, of):
        """What has to come before what was read, because a reader's past holds it; the initial value is None."""
        return {(other, writer) for reader, key, writer in self.reads if reader in of
                for other, t in enumerate(self.all)
                if other != writer and key in t.writes and (other, reader) in past}

    def saturated(self, order, of):
        while True:
            order = closure(order)
            more = self.overwritten(order, of)
            if cyclic(order) or any(writer is None for _, writer in more):
                return True
            if more <= order:
                return False
            order |= more

    def serial(self):
        """Whether no order of whole transactions explains all reads, as far as it is forced."""
        order = self.session | self.rf
        while not cyclic(order := closure(order)):
            more = {(a, b) for a, b in self.overwritten(order, range(len(self.all))) if b is not None}
            more |= {(reader, other) for reader, key, writer in self.reads for other, t in enumerate(self.all)
                     if other not in (reader, writer) and key in t.writes
                     and (writer is None or (writer, other) in order)}
            if more <= order:
                return False
            order |= more
        return True

    def contradicts(self, model):
        causal, count = closure(self.session | self.rf), range(len(self.all))
        for last in count if model in ("causal-memory", "pram") else ():
            own = {last} | {a for a, b in self.session if b == last}
            past = {last} | {a for a, b in causal if b == last}
            kept = {(a, b) for a, b in causal if a in past and b in past}
            kept = kept if model == "causal-memory" else self.session | {(a, b) for a, b in self.rf if b in own}
            if self.saturated(kept, own):
                return True
        if model in ("causal-memory", "pram"):
            return False
        past = self.session | self.rf if model == "read-atomic" else causal
        order = causal | {(a, b) for a in count for b in count if model == "real-time-causal"
                          and self.all[a].op.end is not None and self.all[a].op.end < self.all[b].op.start}
        for of in [[reader] for reader in count] if model == "causal" else [count]:
            more = self.overwritten(past, of)
            if any(writer is None for _, writer in more) or cyclic(closure(order | more)):
                return True
        return False


def closure(pairs):
    following = {}
    for a, b in pairs:
        following.setdefault(a, set()).add(b)
    closed = set()
    for start in following:
        open_ones = [start]
        while open_ones:
            for b in following.get(open_ones.pop(), ()):
                if (start, b) not in closed:
                    closed.add((start, b))
                    open_ones.append(b)
    return closed


def cyclic(closed):
    return any(a == b for a, b in closed)


def touched(op, key, what):
    found = [value for kind, of, value in accesses(op) if of == key and kind in (what, "other")]
    if not found and op.outcome != "fail" and (op.key or "") == key:
        found = [op.reply if what == "read" else op.call]
    return {item for value in found for item in (value, *items(value))}


def check_edge(by_index, edge):
    a, b, key, reason = by_index[edge["from"]], by_index[edge["to"]], edge.get("key", ""), edge["reason"]
    seen, wrote = (lambda op: touched(op, key, "read")), (lambda op: touched(op, key, "write"))
    true = {
        "session": lambda: a.process == b.process and a.outcome != "info" and a.index < b.index,
        "real-time": lambda: a.end is not None and a.end < b.start,
        "write-read": lambda: wrote(a) & seen(b),
        "write-write": lambda: a is not b and wrote(a) and wrote(b),
        "read-write": lambda: seen(a) and wrote(b) - seen(a),
        "same-value": lambda: (seen(a) | wrote(a)) & (seen(b) | wrote(b)),
    }
    if not true[reason]():
        raise Refused(f"{a.index} does not come before {b.index}: {reason}")


def check_proof(operations, model, proof):
    by_index = {op.index: op for op in operations}
    for edge in proof.get("edges", []):
        check_edge(by_index, edge)
    inside = [by_index[index] for index in proof["operations"]]
    kinds = {objects(operations)[op.key][1] for op in inside}
    if proof["anomaly"] in ("phantom-read", "aborted-read") and kinds <= {"register", "transactions"}:
        written = {(key, value) for op in operations for what, key, value in accesses(op) if what == "write"}
        if all(value is None or (key, value) in written for op in inside for what, key, value in accesses(op)):
            raise Refused("something wrote all that was read")
    elif model == "linearizable":
        check_linearizable(operations, proof, inside)
    elif model == "sequential":
        check_sequential(operations, inside)
    elif model in ("read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads"):
        check_pairs(operations, model, inside)
    elif model not in ("causal", "causal-convergence", "real-time-causal", "read-atomic", "causal-memory", "pram"):
        raise Undecided("no rule here for violations of this model")
    elif not Part(operations, inside).contradicts(model):
        raise Refused("the operations have a valid order")


def check_claim(operations, claim, claims):
    model, held = claim["model"], claim["verdict"] == "held"
    if "not_certified" in claim:
        return "not certified"
    if "proofs" in claim and claim["proofs"] and not held:
        for proof in claim["proofs"]:
            check_proof(operations, model, proof)
    elif "order" in claim and held and model in ORDERS:
        check_order(operations, claim["order"], *ORDERS[model])
    elif "arbitration" in claim and held and model in ("causal-convergence", *BELOW_CONVERGENCE):
        check_arbitration(operations, model, claim["arbitration"])
    elif held and "implied_by" in claim and model in IMPLIED.get(claim["implied_by"], ()):
        stronger = [c for c in claims if c["model"] == claim["implied_by"] and c["verdict"] == "held"]
        if not stronger or not {"order", "arbitration"} & stronger[0].keys():
            raise Refused("there is no evidence for what implies it")
        check_claim(operations, stronger[0], claims)
    else:
        raise Refused("the evidence does not fit the verdict")
    return "confirmed"


def main(paths):
    try:
        operations, digest = load(paths[0])
        with open(paths[1], encoding="utf-8") as file:
            certificate = json.load(file)
    except (OSError, ValueError, KeyError, IndexError) as error:
        print(f"usage: verify.py HISTORY CERTIFICATE; {error!r}", file=sys.stderr)
        return 3
    if certificate.get("partita_certificate") != 1 or certificate["history"]["sha256"] != digest:
        print("refused: the certificate is about another file, or of another version")
        return 1
    words = []
    for claim in certificate["models"]:
        try:
            word, why = check_claim(operations, claim, certificate["models"]), claim.get("not_certified", "")
        except Undecided as error:
            word, why = "undecided", str(error)
        except (Refused, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            word, why = "refused", str(error) or repr(error)
        words.append(word)
        print(f"{word:13} {claim.get('verdict'):8} {claim.get('model')}{': ' * bool(why)}{why}")
    return 1 if "refused" in words else 2 if "undecided" in words or "confirmed" not in words else 0


if __name__ == "__main__":
    # Of several histories, each followed by its certificate, the worst is told.
    pairs = [sys.argv[at:at + 2] for at in range(1, max(len(sys.argv), 2), 2)]
    sys.exit(max(map(main, pairs), key=[0, 2, 1, 3].index))
