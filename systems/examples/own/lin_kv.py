#!/usr/bin/env python3
"""A node for the workload lin-kv, as it was written for Maelstrom: node 1 keeps what is written."""
import json, os, sys

STALE = os.environ.get("STALE")  # the bug: every node answers reads from a copy of its own
me, leader, others, values, asked, count = None, None, [], {}, {}, 0

def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)

def error(code, text):
    return {"type": "error", "code": code, "text": text}

def change(body):
    """What the leader answers."""
    key = str(body["key"])
    if body["type"] == "read":
        return {"type": "read_ok", "value": values[key]} if key in values else error(20, "no such key")
    if body["type"] == "cas" and key not in values:
        return error(20, "no such key")
    if body["type"] == "cas" and values[key] != body["from"]:
        return error(22, f"it is {values[key]}")
    values[key] = body["to"] if body["type"] == "cas" else body["value"]
    for other in others:
        send(other, {"type": "copy", "key": key, "value": values[key]})
    return {"type": body["type"] + "_ok"}

for line in sys.stdin:
    message = json.loads(line)
    source, body = message["src"], message["body"]
    kind = body["type"]
    if kind == "init":
        me, leader = body["node_id"], body["node_ids"][0]
        others = [node for node in body["node_ids"] if node != me]
        send(source, {"type": "init_ok", "in_reply_to": body["msg_id"]})
    elif kind == "copy":
        values[body["key"]] = body["value"]
    elif "in_reply_to" in body:  # the leader has answered: pass it on
        client, number = asked.pop(body["in_reply_to"], (None, None))
        if client:
            send(client, {**body, "in_reply_to": number})
    elif me == leader or (STALE and kind == "read"):
        send(source, {**change(body), "in_reply_to": body["msg_id"]})
    else:
        count += 1
        asked[count] = (source, body["msg_id"])
        send(leader, {**body, "msg_id": count})
