"""The libzmq end of the interoperability tests: PyZMQ, driven by lines of JSON on stdin.

Each line is a command `{"do": NAME, ...}`; each is answered by one line, `{"ok": VALUE}` or `{"error": TEXT}`, in order. One
process serves many cases: sockets are known by names that the caller chooses. It ends when stdin does.

A part of a message is described, not sent, where it is long: `{"hex": "00ff"}`, or `{"size": N, "seed": S}` for N bytes of a pattern
that both ends can make (see `body`). Nothing here decides what is right; it does what it is told, and `expect` says what differs.
"""

import json
import sys
import threading
import time

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

# The length of the repeating pattern: a prime, so that a shift by a power of two shows.
PERIOD = 251
# Longer parts are answered by their size only.
SHOWN = 4096

HANDLER = "inproc://zeromq.zap.01"
HANDSHAKES = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)

context = zmq.Context()
sockets = {}
monitors = {}
authenticator = None
handler = None


def body(size, seed):
    """The bytes that `{"size": size, "seed": seed}` stands for."""
    period = bytes((seed + i) % PERIOD for i in range(PERIOD))
    return (period * (size // PERIOD + 1))[:size]


def part(spec):
    return bytes.fromhex(spec["hex"]) if "hex" in spec else body(spec["size"], spec["seed"])


def describe(data):
    return {"hex": data.hex()} if len(data) <= SHOWN else {"size": len(data)}


def option_value(text):
    return int(text) if isinstance(text, int) else bytes.fromhex(text["hex"])


def open_socket(c):
    """A socket of a type, with options by PyZMQ's names; linger 0 unless told, so that nothing is left behind."""
    socket = context.socket(getattr(zmq, c["type"]))
    socket.setsockopt(zmq.LINGER, 0)
    for name, value in c.get("options", {}).items():
        socket.setsockopt(getattr(zmq, name), option_value(value))
    monitors[c["id"]] = socket.get_monitor_socket(HANDSHAKES | zmq.EVENT_DISCONNECTED)
    sockets[c["id"]] = socket


def set_option(c):
    sockets[c["id"]].setsockopt(getattr(zmq, c["name"]), option_value(c["value"]))


def bind(c):
    socket = sockets[c["id"]]
    socket.bind(c["endpoint"])
    return socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()


def connect(c):
    sockets[c["id"]].connect(c["endpoint"])


def disconnect(c):
    sockets[c["id"]].disconnect(c["endpoint"])


def unbind(c):
    sockets[c["id"]].unbind(c["endpoint"])


def send(c):
    """Sends one message within a time; what ROUTER cannot route yet is tried again until then."""
    socket, end = sockets[c["id"]], time.monotonic() + c["timeout_ms"] / 1000
    parts = [part(spec) for spec in c["parts"]]
    while True:
        left = max(0, int((end - time.monotonic()) * 1000))
        socket.setsockopt(zmq.SNDTIMEO, left)
        try:
            return socket.send_multipart(parts)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH or left == 0:
                raise
            socket.poll(1, zmq.POLLIN)


def recv_parts(c):
    socket = sockets[c["id"]]
    socket.setsockopt(zmq.RCVTIMEO, c["timeout_ms"])
    return socket.recv_multipart()


def recv(c):
    return [describe(data) for data in recv_parts(c)]


def expect(c):
    """Receives a message and compares it with the one that the caller describes."""
    wanted, got = [part(spec) for spec in c["parts"]], recv_parts(c)
    if got != wanted:
        raise ValueError(f"expected {summary(wanted)} but received {summary(got)}")


def summary(parts):
    return [f"{len(data)} bytes: {data[:16].hex()}" for data in parts]


def handshakes(c):
    """Waits until this socket has finished so many handshakes since it was last asked."""
    return wait_for(c, zmq.EVENT_HANDSHAKE_SUCCEEDED)


def disconnects(c):
    """Waits until this socket has lost so many connections since it was last asked."""
    return wait_for(c, zmq.EVENT_DISCONNECTED)


def wait_for(c, kind):
    monitor, end, seen = monitors[c["id"]], time.monotonic() + c["timeout_ms"] / 1000, 0
    while seen < c["count"]:
        if not monitor.poll(max(0, (end - time.monotonic()) * 1000)):
            raise TimeoutError(f"{seen} of {c['count']} events came")
        seen += recv_monitor_message(monitor)["event"] == kind


def poll(c):
    """Stays inside the library until there is something to receive."""
    return sockets[c["id"]].poll(c["timeout_ms"], zmq.POLLIN)


def authenticate(c):
    """Starts a ZAP handler that lets in who has one of these user names with its password, and any key of CURVE's."""
    global authenticator
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_plain(domain="*", passwords=c.get("passwords", {}))
    authenticator.configure_curve(domain="*", location=zmq.auth.CURVE_ALLOW_ANY)


def outcome(c):
    """The next event about a handshake of this socket, as its number and value; none if none comes."""
    monitor, end = monitors[c["id"]], time.monotonic() + c["timeout_ms"] / 1000
    while monitor.poll(max(0, (end - time.monotonic()) * 1000)):
        event = recv_monitor_message(monitor)
        if event["event"] & HANDSHAKES:
            return [int(event["event"]), int(event["value"])]
    return None


class Handler(threading.Thread):
    """A ZAP handler that gives the same answer to everybody, all parts of it, or none at all."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer, self.stopping = answer, threading.Event()
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(HANDLER)

    def run(self):
        while not self.stopping.is_set():
            if not self.socket.poll(10):
                continue
            self.socket.recv_multipart()
            if self.answer is None:
                self.stopping.wait()
            else:
                self.socket.send_multipart(self.answer)
        # The name is free at once then; closing alone leaves that to another thread.
        self.socket.unbind(HANDLER)
        self.socket.close()


def handle(c):
    """Binds a ZAP handler with these parts as its answer, without any if it is to say nothing; `stop` ends it."""
    global handler
    if handler:
        handler.stopping.set()
        handler.join()
        handler = None
    if not c.get("stop"):
        answer = c["answer"]
        handler = Handler(None if answer is None else [part(spec) for spec in answer])
        handler.start()


def close(c):
    socket = sockets.pop(c["id"])
    socket.disable_monitor()
    monitors.pop(c["id"]).close(0)
    socket.close()


def version(_):
    return zmq.zmq_version()


COMMANDS = {
    "open": open_socket,
    "set": set_option,
    "bind": bind,
    "connect": connect,
    "disconnect": disconnect,
    "unbind": unbind,
    "send": send,
    "recv": recv,
    "expect": expect,
    "poll": poll,
    "handshakes": handshakes,
    "disconnects": disconnects,
    "authenticate": authenticate,
    "handle": handle,
    "outcome": outcome,
    "close": close,
    "version": version,
}


def answer(line):
    try:
        command = json.loads(line)
        return {"ok": COMMANDS[command["do"]](command)}
    except Exception as error:  # the caller must hear of every failure
        return {"error": f"{type(error).__name__}: {error}, after {line[:200].strip()}"}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)
    if authenticator:
        authenticator.stop()
    # Whatever is still open is not waited for: the test is over.
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
