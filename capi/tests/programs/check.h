/* What the test programs share: a check that says what was wrong and where. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>
#include <zmq_utils.h>

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);  \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

/* A call that fails with this number. */
#define FAILS(number, call)                                                                    \
    do {                                                                                       \
        errno = 0;                                                                             \
        long answer = (long)(call);                                                            \
        if (answer != -1 || zmq_errno() != (number)) {                                         \
            fprintf(stderr, "%s:%d: %s is %ld, errno %d, not %d\n", __FILE__, __LINE__, #call, \
                    answer, zmq_errno(), (number));                                            \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

/* A pair of sockets joined by tcp, or by inproc. */
static inline void join(void *context, void *one, void *other, int by_tcp)
{
    static int number;
    char endpoint[256];
    size_t size = sizeof endpoint;
    (void)context;
    if (by_tcp) {
        CHECK(zmq_bind(one, "tcp://127.0.0.1:*") == 0);
        CHECK(zmq_getsockopt(one, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    } else {
        snprintf(endpoint, sizeof endpoint, "inproc://joined-%d", __sync_fetch_and_add(&number, 1));
        CHECK(zmq_bind(one, endpoint) == 0);
    }
    CHECK(zmq_connect(other, endpoint) == 0);
}

static inline void *open_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    int none = 0, patience = 20000;
    CHECK(socket != NULL);
    CHECK(zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) == 0);
    CHECK(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience) == 0);
    CHECK(zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience) == 0);
    return socket;
}
