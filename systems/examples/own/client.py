"""A client of kv.py that speaks Partita's protocol (docs/protocol.md) on standard input and output."""
import http.client, json, sys, threading

addresses, lock = {}, threading.Lock()

def say(answer):
    with lock:  # calls of several sessions run side by side: a line at a time
        print(json.dumps(answer), flush=True)

def request(address, limit, method, path, body=None):
    connection = http.client.HTTPConnection(address, timeout=limit)
    try:
        connection.connect()
    except OSError as error:
        return {"fail": f"no connection: {error}"}  # nothing was sent
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    value = json.loads(answer.read())
    if answer.status == 409:
        return {"fail": "another value", "seen": value["value"]}
    if answer.status != 200:
        return {"info": f"answered {answer.status}"}
    return {"ok": {"value": value["value"]} if method == "GET" else {}}

def call(asked):
    op, limit = asked["op"], asked["deadline_ms"] / 1000
    address, path = addresses[asked["session"]], "/kv/" + op["key"]
    try:
        if op["f"] == "read":
            return request(address, limit, "GET", path)
        if op["f"] == "write":
            return request(address, limit, "PUT", path, op["value"])
        if op["f"] == "cas":
            return request(address, limit, "POST", path, {"from": op["value"][0], "to": op["value"][1]})
        return {"fail": f"no {op['f']} here"}
    except (OSError, http.client.HTTPException, ValueError) as error:
        return {"info": f"no answer: {error}"}  # it may have happened

def answer(asked):
    say({"id": asked["id"], **call(asked)})

VERBS = {
    "hello": lambda asked: {"partita": 1},
    "open": lambda asked: addresses.update({asked["session"]: asked["address"]}),
    "close": lambda asked: addresses.pop(asked["session"], None) and None,
}

def serve():
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "call":
            threading.Thread(target=answer, args=[asked], daemon=True).start()
        else:
            say({"id": asked["id"], "ok": VERBS[asked["do"]](asked) or {}})

if __name__ == "__main__":
    serve()
