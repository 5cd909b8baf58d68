#!/usr/bin/env python3
"""A node for the workloads txn-list-append and txn-rw-register, as it was written for Maelstrom: node 1 does them all."""
import json, os, sys

STALE = os.environ.get("STALE")  # the bug: every node answers transactions that only read from a copy of its own
me, leader, others, values, asked, count = None, None, [], {}, {}, 0

def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)

def carry_out(steps):
    done = []
    for f, key, value in steps:
        if f == "r":
            value = values.get(str(key))
        elif f == "append":
            values[str(key)] = values.get(str(key), []) + [value]
        else:
            values[str(key)] = value
        done.append([f, key, value])
    return done

for line in sys.stdin:
    message = json.loads(line)
    source, body = message["src"], message["body"]
    kind = body["type"]
    if kind == "init":
        me, leader = body["node_id"], body["node_ids"][0]
        others = [node for node in body["node_ids"] if node != me]
        send(source, {"type": "init_ok", "in_reply_to": body["msg_id"]})
    elif kind == "copy":
        values = body["values"]
    elif "in_reply_to" in body:  # the leader has answered: pass it on
        client, number = asked.pop(body["in_reply_to"], (None, None))
        if client:
            send(client, {**body, "in_reply_to": number})
    elif me == leader or (STALE and all(f == "r" for f, _, _ in body["txn"])):
        send(source, {"type": "txn_ok", "txn": carry_out(body["txn"]), "in_reply_to": body["msg_id"]})
        if me == leader and STALE:
            for other in others:
                send(other, {"type": "copy", "values": values})
    else:
        count += 1
        asked[count] = (source, body["msg_id"])
        send(leader, {**body, "msg_id": count})
