/* zmq_ctx_term: waits for the sockets, is interrupted by signals and may be called again; calls that wait in
 * sockets end. Signals end calls that wait with EINTR. */
#include "check.h"

static volatile sig_atomic_t signals;
static int pestered;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void *pester(void *thread)
{
    struct timespec pause = {0, 5000000};
    /* A signal may come between two calls; so there are more until every call was interrupted. */
    while (!__sync_fetch_and_add(&pestered, 0)) {
        nanosleep(&pause, NULL);
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    }
    return NULL;
}

static void *blocked(void *socket)
{
    char byte;
    FAILS(ETERM, zmq_recv(socket, &byte, 1, 0));
    FAILS(ETERM, zmq_send(socket, &byte, 1, 0));
    CHECK(zmq_close(socket) == 0);
    return NULL;
}

static void *blocked_in_poll(void *socket)
{
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    FAILS(ETERM, zmq_poll(&item, 1, -1));
    CHECK(zmq_close(socket) == 0);
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction restarting = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t self = pthread_self(), thread;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PULL);
    char byte;
    CHECK(zmq_bind(socket, "tcp://127.0.0.1:*") == 0);

    for (int restart = 0; restart < 2; restart++) {
        CHECK(sigaction(SIGUSR1, restart ? &restarting : &action, NULL) == 0);
        pestered = 0;
        CHECK(pthread_create(&thread, NULL, pester, &self) == 0);
        FAILS(EINTR, zmq_recv(socket, &byte, 1, 0));
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
        FAILS(EINTR, zmq_poll(&item, 1, -1));
        FAILS(EINTR, zmq_ctx_term(context));
        __sync_fetch_and_add(&pestered, 1);
        CHECK(pthread_join(thread, NULL) == 0);
        if (restart == 0) {
            /* Shut down by the call that was interrupted. */
            FAILS(ETERM, zmq_recv(socket, &byte, 1, 0));
            CHECK(zmq_socket(context, ZMQ_PULL) == NULL && errno == ETERM);
            CHECK(zmq_close(socket) == 0 && zmq_ctx_term(context) == 0);
            context = zmq_ctx_new();
            socket = zmq_socket(context, ZMQ_PULL);
            CHECK(zmq_bind(socket, "inproc://restart") == 0);
        }
    }
    CHECK(zmq_close(socket) == 0 && zmq_ctx_term(context) == 0);

    /* A signal that only ppoll lets through. */
    context = zmq_ctx_new();
    socket = zmq_socket(context, ZMQ_PULL);
    sigset_t usr1, none;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &usr1, NULL) == 0);
    signals = 0;
    raise(SIGUSR1);
    CHECK(signals == 0);
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    FAILS(EINTR, zmq_ppoll(&item, 1, -1, &none));
    CHECK(signals == 1 && zmq_poll(&item, 1, 1) == 0);

    /* Threads that wait. */
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        void *pair = zmq_socket(context, ZMQ_PAIR);
        CHECK(pthread_create(&threads[i], NULL, i % 2 ? blocked : blocked_in_poll, pair) == 0);
    }
    CHECK(zmq_close(socket) == 0 && zmq_ctx_term(context) == 0);
    for (int i = 0; i < 8; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
