#!/usr/bin/env python3
"""A node for the workloads g-set, broadcast, g-counter and pn-counter, as it was written for Maelstrom: every node tells the
others again and again all that it knows. Its argument is the workload."""
import json, os, sys, threading, time

FORGETFUL = os.environ.get("FORGETFUL")  # the bug: each change is told once, and added to what the other knows
workload = sys.argv[1]
me, others, lock = None, [], threading.Lock()
elements = set()  # of a set, and of what was broadcast
sums = {}  # of a counter: by node, what it has added and what it has taken away

def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)

def change(body):
    """Does what a client asks for, and says what to tell the others of it once."""
    if "delta" not in body:
        elements.add(body.get("element", body.get("message")))
        return {"elements": [body.get("element", body.get("message"))]}
    mine = sums.setdefault(me, [0, 0])
    mine[body["delta"] < 0] += abs(body["delta"])
    return {"delta": body["delta"]}

def learn(body, source):
    elements.update(body.get("elements", []))
    if "delta" in body:
        theirs = sums.setdefault(source, [0, 0])
        theirs[body["delta"] < 0] += abs(body["delta"])
    for node, (added, taken) in body.get("sums", {}).items():
        known = sums.setdefault(node, [0, 0])
        sums[node] = [max(known[0], added), max(known[1], taken)]

def read():
    if workload == "broadcast":
        return {"messages": sorted(elements)}
    if workload == "g-set":
        return {"value": sorted(elements)}
    return {"value": sum(added - taken for added, taken in sums.values())}

def gossip():
    while not FORGETFUL:
        time.sleep(0.05)
        with lock:
            for other in others:
                send(other, {"type": "gossip", "elements": sorted(elements), "sums": sums})

for line in sys.stdin:
    message = json.loads(line)
    source, body = message["src"], message["body"]
    kind = body["type"]
    with lock:
        if kind == "init":
            me = body["node_id"]
            others = [node for node in body["node_ids"] if node != me]
            threading.Thread(target=gossip, daemon=True).start()
        if kind == "gossip":
            learn(body, source)
            continue
        answer = read() if kind == "read" else {}
        if kind in ("add", "broadcast"):
            news = change(body)
            if FORGETFUL:
                for other in others:
                    send(other, {"type": "gossip", **news})
        send(source, {"type": kind + "_ok", "in_reply_to": body["msg_id"], **answer})
