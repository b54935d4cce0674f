/* Every option number, set and read with values of every size from none to larger than any: an answer each time, and
 * never a byte outside of the buffer. */
#include "check.h"

static const int types[] = {ZMQ_PAIR, ZMQ_PUB, ZMQ_SUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER,
                            ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM};

static void each_size(void *socket, int option)
{
    static const int fills[] = {0x00, 0xff, 0x01, 'a'};
    unsigned char buffer[400];
    for (size_t size = 0; size <= 300; size += size < 12 ? 1 : 48) {
        for (size_t fill = 0; fill < 4; fill++) {
            memset(buffer, fills[fill], sizeof buffer);
            int answer = zmq_setsockopt(socket, option, buffer, size);
            CHECK(answer == 0 || (answer == -1 && errno == EINVAL));
        }
        memset(buffer, 0x5a, sizeof buffer);
        size_t told = size;
        int answer = zmq_getsockopt(socket, option, buffer, &told);
        CHECK(answer == 0 || (answer == -1 && errno == EINVAL));
        CHECK(told <= size);
        for (size_t at = answer == 0 ? size : 0; at < sizeof buffer; at++)
            CHECK(buffer[at] == 0x5a);
        for (size_t at = told; answer == 0 && at < size; at++)
            CHECK(buffer[at] == 0);
    }
    int answer = zmq_setsockopt(socket, option, NULL, 0);
    CHECK(answer == 0 || errno == EINVAL);
}

int main(void)
{
    void *context = zmq_ctx_new();
    for (size_t type = 0; type < sizeof types / sizeof *types; type++) {
        for (int option = -2; option < 140; option++) {
            /* A new socket for each: values may forbid what comes after. */
            void *socket = zmq_socket(context, types[type]);
            CHECK(socket != NULL);
            each_size(socket, option);
            CHECK(zmq_close(socket) == 0);
        }
    }
    for (int option = -2; option < 140; option++) {
        void *other = zmq_ctx_new();
        char text[64] = "abcdefgh";
        size_t size;
        (void)zmq_ctx_get(other, option);
        for (int value = -2; value < 3; value++) {
            int answer = zmq_ctx_set(other, option, value);
            CHECK(answer == 0 || (answer == -1 && errno == EINVAL));
        }
        for (size = 0; size < 20; size++)
            (void)zmq_ctx_set_ext(other, option, text, size);
        size = sizeof text;
        (void)zmq_ctx_get_ext(other, option, text, &size);
        CHECK(size <= sizeof text && zmq_ctx_term(other) == 0);
    }
    /* GSSAPI is not there, as in a libzmq built without it. */
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int gssapi[] = {62, 63, 64, 65, 90, 91}, on = 1;
    for (size_t at = 0; at < sizeof gssapi / sizeof *gssapi; at++) {
        size_t size = sizeof on;
        FAILS(EINVAL, zmq_setsockopt(socket, gssapi[at], &on, sizeof on));
        FAILS(EINVAL, zmq_setsockopt(socket, gssapi[at], "host", 4));
        FAILS(EINVAL, zmq_getsockopt(socket, gssapi[at], &on, &size));
    }
    CHECK(zmq_has("gssapi") == 0 && zmq_has("curve") == 1 && zmq_close(socket) == 0);
    return zmq_ctx_term(context);
}
