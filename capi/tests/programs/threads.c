/* Many threads use one socket while another closes it: each call works or says that there is no socket. */
#include "check.h"

static void *volatile shared;

static void *use(void *seed_of)
{
    unsigned seed = (unsigned)(size_t)seed_of;
    for (;;) {
        void *socket = shared;
        char buffer[256];
        size_t size = sizeof buffer;
        int value = 1000, failed = 0;
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
        zmq_msg_t msg;
        switch (rand_r(&seed) % 7) {
        case 0: failed = zmq_send(socket, buffer, rand_r(&seed) % sizeof buffer, ZMQ_DONTWAIT); break;
        case 1: failed = zmq_recv(socket, buffer, sizeof buffer, ZMQ_DONTWAIT); break;
        case 2: failed = zmq_poll(&item, 1, 1); break;
        case 3: failed = zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, buffer, &size); break;
        case 4: failed = zmq_setsockopt(socket, ZMQ_SNDHWM, &value, sizeof value); break;
        case 5: value = 5; failed = zmq_setsockopt(socket, ZMQ_RCVTIMEO, &value, sizeof value);
                if (failed == 0) failed = zmq_recv(socket, buffer, sizeof buffer, 0);
                break;
        default:
            CHECK(zmq_msg_init_size(&msg, 100) == 0);
            memset(zmq_msg_data(&msg), 'm', 100);
            failed = zmq_msg_send(&msg, socket, ZMQ_DONTWAIT);
            CHECK(zmq_msg_close(&msg) == 0);
        }
        if (failed == -1 && errno == ENOTSOCK && shared == NULL)
            return NULL;
        CHECK(failed >= 0 || errno == EAGAIN || errno == ENOTSOCK || errno == EINTR);
    }
}

int main(void)
{
    void *context = zmq_ctx_new();
    pthread_t threads[6];
    shared = zmq_socket(context, ZMQ_DEALER);
    for (size_t i = 0; i < 6; i++)
        CHECK(pthread_create(&threads[i], NULL, use, (void *)(i + 1)) == 0);
    for (int i = 0; i < 300; i++) {
        void *other = open_socket(context, ZMQ_DEALER), *mine = shared, *next = open_socket(context, ZMQ_DEALER);
        struct timespec pause = {0, 500000};
        join(context, other, mine, i % 2);
        nanosleep(&pause, NULL);
        shared = next;
        CHECK(zmq_close(mine) == 0);
        FAILS(ENOTSOCK, zmq_close(mine));
        CHECK(zmq_close(other) == 0);
    }
    void *last = shared;
    shared = NULL;
    CHECK(zmq_close(last) == 0);
    for (size_t i = 0; i < 6; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return zmq_ctx_term(context);
}
