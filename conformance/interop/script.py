"""Plays scripts of socket calls against libzmq, and answers what each call returned.

stdin holds one JSON document, a list of scripts; each is a list of steps `[NAME, ARGUMENT, ...]` (see `STEPS`). stdout gets one line
of JSON: for each script the list of its outcomes, one text per step. An outcome is `ok`, `ok DETAIL`, or `E` and the error
number. The library is the one that PyZMQ carries, called through its C functions, so that nothing stands between a script's
bytes and `zmq_setsockopt`. Nothing here decides what is right.
"""

import ctypes
import json
import pathlib
import socket
import sys

import zmq

LINGER, RCVTIMEO, SNDTIMEO, EVENTS, LAST_ENDPOINT = 17, 27, 28, 15, 32
DONTWAIT, SNDMORE, PAIR, HANDSHAKE_SUCCEEDED = 1, 2, 0, 0x1000
# What waits for an event that must come waits this long, in milliseconds.
PATIENCE_MS = 20_000


def load():
    """The library inside PyZMQ's wheel, or the system's if PyZMQ was built against that."""
    beside = pathlib.Path(zmq.__file__).parent.parent / "pyzmq.libs"
    bundled = sorted(beside.glob("libzmq*.so*"))
    library = ctypes.CDLL(str(bundled[0]) if bundled else "libzmq.so.5", use_errno=True)
    library.zmq_ctx_new.restype = ctypes.c_void_p
    library.zmq_socket.restype = ctypes.c_void_p
    return library


lib = load()


class Refused(Exception):
    """A call failed; the error number is the argument."""


def check(result):
    if result is None or result < 0:
        raise Refused(ctypes.get_errno())
    return result


class Script:
    """The sockets of one script, in a context of their own."""

    def __init__(self):
        self.context = ctypes.c_void_p(lib.zmq_ctx_new())
        self.sockets = {}
        self.monitors = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])

    def end(self):
        for name in list(self.sockets):
            self.close(name)
        lib.zmq_ctx_term(self.context)

    def new(self, kind):
        handle = lib.zmq_socket(self.context, kind)
        if handle is None:
            raise Refused(ctypes.get_errno())
        return ctypes.c_void_p(handle)

    def set_int(self, handle, option, value):
        value = ctypes.c_int(value)
        check(lib.zmq_setsockopt(handle, option, ctypes.byref(value), ctypes.sizeof(value)))

    def events_of(self, handle):
        value, size = ctypes.c_int(0), ctypes.c_size_t(4)
        check(lib.zmq_getsockopt(handle, EVENTS, ctypes.byref(value), ctypes.byref(size)))
        return value.value

    def endpoint(self, text):
        """`$name` stands for where that socket was last bound, `{port}` for a free port."""
        return (self.last(text[1:]) if text.startswith("$") else text.replace("{port}", self.port)).encode()

    def last(self, name):
        value, size = ctypes.create_string_buffer(1024), ctypes.c_size_t(1024)
        check(lib.zmq_getsockopt(self.sockets[name], LAST_ENDPOINT, value, ctypes.byref(size)))
        return value.value.decode()

    # ---- The steps ----

    def open(self, name, kind):
        self.sockets[name] = self.new(kind)

    def close(self, name):
        handle = self.sockets.pop(name)
        if name in self.monitors:
            lib.zmq_socket_monitor(handle, None, 0)
            lib.zmq_close(self.monitors.pop(name))
        # A script's end does not wait for what it left unsent.
        self.set_int(handle, LINGER, 0)
        check(lib.zmq_close(handle))

    def watch(self, name):
        """Begins to note finished handshakes, for `ready`."""
        address = f"inproc://monitor-of-{name}".encode()
        check(lib.zmq_socket_monitor(self.sockets[name], address, HANDSHAKE_SUCCEEDED))
        monitor = self.new(PAIR)
        self.set_int(monitor, LINGER, 0)
        self.set_int(monitor, RCVTIMEO, PATIENCE_MS)
        check(lib.zmq_connect(monitor, address))
        self.monitors[name] = monitor

    def ready(self, name):
        """Waits for one more handshake of this socket."""
        buffer = ctypes.create_string_buffer(1024)
        for _ in range(2):
            check(lib.zmq_recv(self.monitors[name], buffer, 1024, 0))

    def bind(self, name, endpoint):
        check(lib.zmq_bind(self.sockets[name], self.endpoint(endpoint)))

    def connect(self, name, endpoint):
        check(lib.zmq_connect(self.sockets[name], self.endpoint(endpoint)))

    def unbind(self, name, endpoint):
        check(lib.zmq_unbind(self.sockets[name], self.endpoint(endpoint)))

    def disconnect(self, name, endpoint):
        check(lib.zmq_disconnect(self.sockets[name], self.endpoint(endpoint)))

    def told(self, name):
        return self.last(name)

    def set(self, name, option, value):
        value = bytes.fromhex(value)
        check(lib.zmq_setsockopt(self.sockets[name], option, value, len(value)))

    def get(self, name, option, size):
        value, size = ctypes.create_string_buffer(max(size, 1)), ctypes.c_size_t(size)
        check(lib.zmq_getsockopt(self.sockets[name], option, value, ctypes.byref(size)))
        return value.raw[: size.value].hex()

    def events(self, name):
        return str(self.events_of(self.sockets[name]))

    def send(self, name, parts, wait_ms, more=False):
        """One message, or with `more` the beginning of one. No `wait_ms` is DONTWAIT."""
        handle = self.sockets[name]
        # libzmq looks for news from other sockets only now and then while it sends; now is the time.
        self.events_of(handle)
        flags = self.patience(handle, SNDTIMEO, wait_ms)
        for number, part in enumerate(parts):
            part = bytes.fromhex(part["hex"]) if isinstance(part, dict) else bytes(part)
            last = number + 1 == len(parts)
            check(lib.zmq_send(handle, part, len(part), flags | (0 if last and not more else SNDMORE)))

    def recv(self, name, wait_ms):
        handle = self.sockets[name]
        self.events_of(handle)
        return "|".join(part.hex() for part in self.message(handle, self.patience(handle, RCVTIMEO, wait_ms)))

    def message(self, handle, flags):
        buffer, parts, more = ctypes.create_string_buffer(65536), [], ctypes.c_int(1)
        while more.value:
            size = check(lib.zmq_recv(handle, buffer, 65536, flags))
            parts.append(buffer.raw[: min(size, 65536)])
            length = ctypes.c_size_t(4)
            check(lib.zmq_getsockopt(handle, 13, ctypes.byref(more), ctypes.byref(length)))
        return parts

    def patience(self, handle, option, wait_ms):
        if wait_ms is None:
            return DONTWAIT
        self.set_int(handle, option, wait_ms)
        return 0

    def fill(self, name, parts, wait_ms, limit, count):
        """Sends until refused, at most `limit` messages; the number is told only if it is to be compared."""
        sent = 0
        try:
            while sent < limit:
                self.send(name, parts, wait_ms)
                sent += 1
            end = "ok"
        except Refused as error:
            end = f"E{error.args[0]}"
        return f"{sent if count else 'some'} then {end}"

    def drain(self, name, wait_ms):
        """Receives until refused; tells how many messages there were."""
        received = 0
        try:
            while True:
                self.recv(name, wait_ms)
                received += 1
        except Refused as error:
            return f"{received} then E{error.args[0]}"


def play(steps):
    script, outcomes = Script(), []
    try:
        for name, *arguments in steps:
            try:
                detail = getattr(script, name)(*arguments)
                outcomes.append("ok" if detail is None else f"ok {detail}")
            except Refused as error:
                outcomes.append(f"E{error.args[0]}")
    finally:
        script.end()
    return outcomes


if __name__ == "__main__":
    print(json.dumps([play(steps) for steps in json.load(sys.stdin)]))
