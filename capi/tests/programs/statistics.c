/* What a socket has counted: the draft event about queues, and this library's own JSON. */

#include "check.h"
#include <ferrozmq.h>

static char *stats (void *socket)
{
    size_t size = 0;
    char *text;
    FAILS (ENOBUFS, ferrozmq_socket_stats_json (socket, NULL, &size));
    CHECK (size > 2);
    /* Numbers may grow meanwhile. */
    size += 200;
    text = malloc (size);
    CHECK (ferrozmq_socket_stats_json (socket, text, &size) == 0);
    CHECK (strlen (text) + 1 == size);
    return text;
}

int main (void)
{
    void *context = zmq_ctx_new ();
    void *push = zmq_socket (context, ZMQ_PUSH);
    void *monitor = zmq_socket (context, ZMQ_PAIR);
    size_t size = 0;
    char *text;
    uint64_t numbers[4];
    int n;

    CHECK (zmq_connect (push, "tcp://127.0.0.1:1") == 0);
    for (n = 0; n < 3; n++)
        CHECK (zmq_send (push, "12345", 5, 0) == 5);
    text = stats (push);
    CHECK (strstr (text, "\"version\":1,") != NULL);
    CHECK (strstr (text, "\"type\":\"PUSH\"") != NULL);
    CHECK (strstr (text, "\"sent\":3,") != NULL);
    CHECK (strstr (text, "\"queued_out\":3,\"queued_out_bytes\":21,") != NULL);
    free (text);

    FAILS (EFAULT, ferrozmq_socket_stats_json (push, NULL, NULL));
    FAILS (ENOTSOCK, ferrozmq_socket_stats_json (context, NULL, &size));

    FAILS (EINVAL, zmq_socket_monitor_pipes_stats (push));
    CHECK (zmq_socket_monitor_versioned (push, "inproc://monitor", ZMQ_EVENT_PIPES_STATS, 2, ZMQ_PAIR) == 0);
    CHECK (zmq_connect (monitor, "inproc://monitor") == 0);
    CHECK (zmq_socket_monitor_pipes_stats (push) == 0);
    CHECK (zmq_recv (monitor, numbers, 8, 0) == 8 && numbers[0] == ZMQ_EVENT_PIPES_STATS);
    CHECK (zmq_recv (monitor, numbers, 8, 0) == 8 && numbers[0] == 2);
    CHECK (zmq_recv (monitor, numbers, 8, 0) == 8 && numbers[0] == 3);
    CHECK (zmq_recv (monitor, numbers, 8, 0) == 8 && numbers[0] == 0);

    n = 0;
    CHECK (zmq_setsockopt (push, ZMQ_LINGER, &n, sizeof n) == 0);
    CHECK (zmq_close (monitor) == 0);
    CHECK (zmq_close (push) == 0);
    CHECK (zmq_ctx_term (context) == 0);
    return 0;
}
