"""A client of kv.py that starts, kills, pauses and resumes the nodes itself (docs/protocol.md)."""
import os, signal, socket, subprocess, sys
from client import VERBS, serve

nodes, here, reads = {}, os.path.dirname(os.path.abspath(__file__)), "leader"

def start(asked):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    peers = ",".join(asked["peers"][node] for node in sorted(asked["peers"]))
    # A node has to end with this process, however it ends.
    words = [os.path.join(here, "kv.py"), asked["node"][1:], str(port), peers, asked["data"]]
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, *words]
    node = subprocess.Popen(command, env={**os.environ, "READS": reads}, stdout=sys.stderr)
    nodes[asked["node"]] = node
    while node.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return {"address": f"127.0.0.1:{port}"}
        except OSError:
            pass  # it is on its way
    raise RuntimeError(f"{asked['node']} ended: {node.returncode}")

def kill(asked):
    nodes[asked["node"]].kill()
    nodes[asked["node"]].wait()

def send(number):
    return lambda asked: nodes[asked["node"]].send_signal(number)

def hello(asked):
    global reads
    reads = asked["mode"]
    return {"partita": 1, "verbs": ["start", "stop", "kill", "pause", "resume"]}

pause, resume = send(signal.SIGSTOP), send(signal.SIGCONT)
VERBS.update(hello=hello, start=start, stop=kill, kill=kill, pause=pause, resume=resume)
serve()
