"""ZMQ_FD in loops that are not the library's: asyncio on each of its selectors, uvloop (that is libuv), tornado on both.

Ours, run beside PyZMQ's tests on both libraries. A wake-up that gets lost is a test that does not end.
"""

import asyncio
import random
import selectors
import threading
import time

import pytest
import tornado.ioloop
import uvloop
import zmq
import zmq.asyncio
from zmq.eventloop.zmqstream import ZMQStream

LOOPS = {
    "epoll": lambda: asyncio.SelectorEventLoop(selectors.EpollSelector()),
    "poll": lambda: asyncio.SelectorEventLoop(selectors.PollSelector()),
    "select": lambda: asyncio.SelectorEventLoop(selectors.SelectSelector()),
    "libuv": uvloop.new_event_loop,
}
MESSAGES = 3000

each_loop = pytest.mark.parametrize("loop", LOOPS)
each_transport = pytest.mark.parametrize("transport", ["inproc", "tcp", "ipc"])


@pytest.fixture
def endpoint(transport, tmp_path):
    return {"inproc": "inproc://loops", "tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{tmp_path}/loops"}[transport]


@pytest.fixture
def context():
    context = zmq.asyncio.Context()
    yield context
    context.destroy(linger=0)


def join(binding, connecting, endpoint):
    binding.bind(endpoint)
    connecting.connect(binding.last_endpoint.decode())


def run(loop, main):
    """Runs `main` in a new loop of this kind, and ends it."""
    loop = LOOPS[loop]()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def in_thread(act):
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def send_all(socket):
    """Sends numbers with pauses of all lengths, so that the receiver sleeps in every place."""
    chance = random.Random(7)
    for number in range(MESSAGES):
        if chance.random() < 0.2:
            # not settling: the pauses are the subject
            time.sleep(chance.random() / 5000)
        socket.send(number.to_bytes(4, "big"))


def recv_all(socket):
    for number in range(MESSAGES):
        assert int.from_bytes(socket.recv(), "big") == number


@each_loop
@each_transport
def test_receive(loop, context, endpoint):
    async def main(_):
        pull, push = context.socket(zmq.PULL), zmq.Context.shadow(context).socket(zmq.PUSH)
        join(pull, push, endpoint)
        thread = in_thread(lambda: send_all(push))
        for number in range(MESSAGES):
            assert int.from_bytes(await pull.recv(), "big") == number
        thread.join()
        push.close(), pull.close()

    run(loop, main)


@each_loop
@each_transport
def test_send_to_a_slow_receiver(loop, context, endpoint):
    async def main(_):
        push, pull = context.socket(zmq.PUSH), zmq.Context.shadow(context).socket(zmq.PULL)
        push.sndhwm = pull.rcvhwm = 5
        join(pull, push, endpoint)
        thread = in_thread(lambda: recv_all(pull))
        for number in range(MESSAGES):
            await push.send(number.to_bytes(4, "big"))
        thread.join()
        push.close(), pull.close()

    run(loop, main)


@each_loop
@each_transport
def test_request_and_reply_in_one_loop(loop, context, endpoint):
    async def serve(rep):
        for _ in range(MESSAGES // 10):
            await rep.send(await rep.recv())

    async def main(_):
        rep, req = context.socket(zmq.REP), context.socket(zmq.REQ)
        join(rep, req, endpoint)
        server = asyncio.ensure_future(serve(rep))
        for number in range(MESSAGES // 10):
            await req.send(b"%d" % number)
            assert await req.recv() == b"%d" % number
        await server
        req.close(), rep.close()

    run(loop, main)


@each_loop
@each_transport
def test_the_descriptor_alone(loop, context, endpoint):
    """A reader of the descriptor that looks at the events, and at nothing else."""

    async def main(running):
        plain = zmq.Context.shadow(context)
        pull, push = plain.socket(zmq.PULL), plain.socket(zmq.PUSH)
        join(pull, push, endpoint)
        done, got = running.create_future(), 0

        def readable():
            nonlocal got
            while not done.done() and pull.get(zmq.EVENTS) & zmq.POLLIN:
                assert int.from_bytes(pull.recv(zmq.NOBLOCK), "big") == got
                got += 1
                if got == MESSAGES:
                    done.set_result(None)

        running.add_reader(pull.fd, readable)
        readable()
        thread = in_thread(lambda: send_all(push))
        await done
        running.remove_reader(pull.fd)
        thread.join()
        push.close(), pull.close()

    run(loop, main)


@each_loop
@each_transport
def test_tornado_stream(loop, context, endpoint):
    async def main(_):
        plain = zmq.Context.shadow(context)
        pull, push = plain.socket(zmq.PULL), plain.socket(zmq.PUSH)
        join(pull, push, endpoint)
        stream, got = ZMQStream(pull, tornado.ioloop.IOLoop.current()), []
        done = asyncio.get_running_loop().create_future()

        def received(message):
            got.append(int.from_bytes(message[0], "big"))
            if len(got) == MESSAGES:
                done.set_result(None)

        stream.on_recv(received)
        thread = in_thread(lambda: send_all(push))
        await done
        assert got == list(range(MESSAGES))
        thread.join()
        stream.close(), push.close()

    run(loop, main)
