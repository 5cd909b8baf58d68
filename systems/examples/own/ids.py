#!/usr/bin/env python3
"""A node for the workload unique-ids, as it was written for Maelstrom: the node's name, its start and a count."""
import json, os, sys, time

CLOCK = os.environ.get("CLOCK")  # the bug: the time in milliseconds, which several nodes may read at once
me, start, count = None, time.time_ns(), 0

for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    answer = {"type": body["type"] + "_ok", "in_reply_to": body["msg_id"]}
    if body["type"] == "init":
        me = body["node_id"]
    else:
        count += 1
        answer["id"] = int(time.time() * 1000) if CLOCK else f"{me}-{start}-{count}"
    print(json.dumps({"src": me, "dest": message["src"], "body": answer}), flush=True)
