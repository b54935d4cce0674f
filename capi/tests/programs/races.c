/* Handles and messages that several threads, or a callback, take from each other: closed twice at once, closed while another
 * waits, destroyed from inside. One wins, the others are told, and nothing is freed twice or too early. */
#include "check.h"

#define THREADS 4

static pthread_barrier_t start;
static void *target;
static int won;

static void together(void *(*act)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, act, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void *close_socket(void *nothing)
{
    pthread_barrier_wait(&start);
    if (zmq_close(target) == 0)
        __sync_fetch_and_add(&won, 1);
    else
        CHECK(errno == ENOTSOCK);
    return nothing;
}

static void *end_context(void *nothing)
{
    pthread_barrier_wait(&start);
    if (zmq_ctx_term(target) == 0)
        __sync_fetch_and_add(&won, 1);
    else
        CHECK(errno == EFAULT);
    return nothing;
}

static void *destroy_counter(void *nothing)
{
    void *mine = target;
    pthread_barrier_wait(&start);
    zmq_atomic_counter_destroy(&mine);
    if (mine == NULL)
        __sync_fetch_and_add(&won, 1);
    return nothing;
}

static void closed_twice(void *context)
{
    for (int i = 0; i < 100; i++) {
        won = 0;
        CHECK((target = zmq_socket(context, ZMQ_DEALER)) != NULL);
        together(close_socket);
        CHECK(won == 1);
        CHECK((target = zmq_atomic_counter_new()) != NULL);
        together(destroy_counter);
        CHECK(won == 2);
    }
    for (int i = 0; i < 20; i++) {
        won = 0;
        target = zmq_ctx_new();
        void *socket = zmq_socket(target, ZMQ_PUB);
        CHECK(zmq_bind(socket, "tcp://127.0.0.1:*") == 0 && zmq_close(socket) == 0);
        together(end_context);
        CHECK(won >= 1);
    }
}

static void *receive(void *nothing)
{
    char byte;
    pthread_barrier_wait(&start);
    FAILS(ENOTSOCK, zmq_recv(target, &byte, 1, 0));
    return nothing;
}

/* Closed under threads that wait in it: they are told. */
static void closed_while_waiting(void *context)
{
    for (int i = 0; i < 20; i++) {
        pthread_t threads[THREADS - 1];
        CHECK((target = zmq_socket(context, ZMQ_PULL)) != NULL);
        CHECK(zmq_bind(target, i % 2 ? "tcp://127.0.0.1:*" : "inproc://waiting") == 0);
        for (int thread = 0; thread < THREADS - 1; thread++)
            CHECK(pthread_create(&threads[thread], NULL, receive, NULL) == 0);
        pthread_barrier_wait(&start);
        struct timespec pause = {0, 1000000 * (i % 3)};
        nanosleep(&pause, NULL);
        CHECK(zmq_close(target) == 0);
        for (int thread = 0; thread < THREADS - 1; thread++)
            CHECK(pthread_join(threads[thread], NULL) == 0);
    }
}

static int given_back;

static void give_back(void *data, void *hint)
{
    CHECK(hint == &given_back);
    free(data);
    __sync_fetch_and_add(&given_back, 1);
}

static zmq_msg_t copies[THREADS];
static int next;

static void *close_copy(void *nothing)
{
    zmq_msg_t *mine = &copies[__sync_fetch_and_add(&next, 1)];
    pthread_barrier_wait(&start);
    CHECK(zmq_msg_size(mine) == 1000 && ((char *)zmq_msg_data(mine))[999] == 'x');
    CHECK(zmq_msg_close(mine) == 0);
    FAILS(EFAULT, zmq_msg_close(mine));
    return nothing;
}

/* Copies of one lent body, closed on a thread each: it is given back once, by the last. */
static void copies_closed(void)
{
    for (int round = 0; round < 200; round++) {
        char *data = malloc(1000);
        memset(data, 'x', 1000);
        given_back = next = 0;
        CHECK(zmq_msg_init_data(&copies[0], data, 1000, give_back, &given_back) == 0);
        for (int i = 1; i < THREADS; i++)
            CHECK(zmq_msg_init(&copies[i]) == 0 && zmq_msg_copy(&copies[i], &copies[i - 1]) == 0);
        CHECK(zmq_msg_get(&copies[0], ZMQ_SHARED) == 1 && zmq_msg_data(&copies[3]) == data);
        together(close_copy);
        CHECK(given_back == 1);
    }
}

static void *timers, *in_poller;
static int called;

static void destroy_all(int id, void *argument)
{
    void *mine = timers;
    called++;
    CHECK(id > 0 && argument == &called);
    CHECK(zmq_timers_destroy(&mine) == 0 && zmq_close(in_poller) == 0);
    FAILS(EFAULT, zmq_timers_execute(timers));
}

/* A callback destroys the timers that are executed, of which others are due. */
static void destroyed_from_inside(void *context)
{
    in_poller = zmq_socket(context, ZMQ_PULL);
    CHECK((timers = zmq_timers_new()) != NULL);
    for (int i = 0; i < 3; i++)
        CHECK(zmq_timers_add(timers, 0, destroy_all, &called) > 0);
    CHECK(zmq_timers_execute(timers) == 0 && called == 1);
}

static void *wait_in_poller(void *poller)
{
    zmq_poller_event_t event;
    CHECK(zmq_poller_wait(poller, &event, 20000) == -1 && (errno == ENOTSOCK || errno == ETERM));
    return NULL;
}

/* A poller with a closed socket says so; destroyed, it lets the thread that waits in it go on. */
static void poller_of_a_closed_socket(void *context)
{
    void *poller = zmq_poller_new(), *socket = zmq_socket(context, ZMQ_PULL), *copy = poller;
    zmq_poller_event_t event;
    pthread_t thread;
    CHECK(zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN) == 0);
    CHECK(pthread_create(&thread, NULL, wait_in_poller, poller) == 0);
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    CHECK(zmq_poller_destroy(&copy) == 0 && zmq_close(socket) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    FAILS(EFAULT, zmq_poller_wait(poller, &event, 0));
    poller = zmq_poller_new(), socket = zmq_socket(context, ZMQ_PULL);
    CHECK(zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN) == 0 && zmq_close(socket) == 0);
    FAILS(ENOTSOCK, zmq_poller_wait(poller, &event, 0));
    FAILS(ENOTSOCK, zmq_poller_remove(poller, socket));
    CHECK(zmq_poller_destroy(&poller) == 0);
}

static void *self;

static void close_itself(void *argument)
{
    pthread_barrier_wait(argument);
    zmq_threadclose(self);
}

int main(void)
{
    void *context = zmq_ctx_new();
    CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
    closed_twice(context);
    closed_while_waiting(context);
    copies_closed();
    destroyed_from_inside(context);
    poller_of_a_closed_socket(context);
    /* A thread that closes itself cannot wait for its own end, and goes on. */
    pthread_barrier_t both;
    CHECK(pthread_barrier_init(&both, NULL, 2) == 0);
    self = zmq_threadstart(close_itself, &both);
    CHECK(self != NULL);
    pthread_barrier_wait(&both);
    CHECK(zmq_ctx_term(context) == 0);
    return 0;
}
