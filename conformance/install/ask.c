/* What a program of an installation is: a question, its answer, and the version, by whatever the build system found. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

int main (void)
{
    char buffer[16];
    int major, minor, patch;
    void *context = zmq_ctx_new ();
    void *server = zmq_socket (context, ZMQ_REP);
    void *client = zmq_socket (context, ZMQ_REQ);

    zmq_version (&major, &minor, &patch);
    assert (ZMQ_MAKE_VERSION (major, minor, patch) == ZMQ_VERSION);
    assert (server && client);
    assert (zmq_bind (server, "inproc://question") == 0);
    assert (zmq_connect (client, "inproc://question") == 0);
    assert (zmq_send (client, "hello", 5, 0) == 5);
    assert (zmq_recv (server, buffer, sizeof buffer, 0) == 5);
    assert (zmq_send (server, "world", 5, 0) == 5);
    assert (zmq_recv (client, buffer, sizeof buffer, 0) == 5);
    assert (memcmp (buffer, "world", 5) == 0);
    assert (zmq_close (client) == 0 && zmq_close (server) == 0);
    assert (zmq_ctx_term (context) == 0);
    printf ("%d.%d.%d\n", major, minor, patch);
    return 0;
}
