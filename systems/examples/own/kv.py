"""A register over HTTP: node 1 keeps what is written, the others copy it and pass writes on."""
import http.client, json, os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READS = os.environ.get("READS", "local")  # the bug: a copy may be old; "leader" mends it

number, port, peers, data = sys.argv[1:]
leader = None if number == "1" else peers.split(",")[0]
values, lock = {}, threading.Lock()
log = open(os.path.join(data, "log"), "a+")
log.seek(0)
values.update(map(json.loads, log))

def ask(method, path, body=None):
    connection = http.client.HTTPConnection(leader, timeout=0.8)
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())

def copy():
    while True:
        try:
            values.update(ask("GET", "/all")[1])
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the leader is dead or cut off
        time.sleep(0.1)

def change(method, key, wanted):
    with lock:
        if method == "POST" and values.get(key) != wanted["from"]:
            return 409, {"value": values.get(key)}
        value = wanted["to"] if method == "POST" else wanted
        log.write(json.dumps([key, value]) + "\n")
        log.flush()  # before any read can see it
        values[key] = value
        return 200, {}

class Handler(BaseHTTPRequestHandler):
    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.path.split("/")[-1]
        if self.path == "/health":
            return 200, {}
        if leader and not (self.command == "GET" and READS == "local"):
            return ask(self.command, self.path, body)
        if self.command == "GET":
            return 200, dict(values) if key == "all" else {"value": values.get(key)}
        return change(self.command, key, json.loads(body))

    def do_GET(self):
        try:
            status, body = self.handle_one()
        except (OSError, http.client.HTTPException, ValueError) as error:
            status, body = 504, {"error": str(error)}  # it may have happened
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_PUT = do_POST = do_GET
    log_message = lambda *_: None

if leader:
    threading.Thread(target=copy, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
