/* zmq_msg_init_data: the free function is called once for each message, whatever becomes of it, and may itself
 * call the library, with the socket that is busy sending too. */
#include "check.h"

static int lent, returned;
static void *busy;

static void give_back(void *data, void *hint)
{
    CHECK(hint == &lent);
    free(data);
    __sync_fetch_and_add(&returned, 1);
}

/* A stranger: calls us with whatever it has. */
static void give_back_and_call(void *data, void *hint)
{
    int value;
    size_t size = sizeof value;
    (void)zmq_getsockopt(busy, ZMQ_EVENTS, &value, &size);
    (void)zmq_send(busy, "from a free function", 20, ZMQ_DONTWAIT);
    give_back(data, hint);
}

static void lend_to(zmq_msg_t *msg, size_t size, zmq_free_fn *free_fn)
{
    void *data = malloc(size ? size : 1);
    memset(data, 'x', size);
    CHECK(zmq_msg_init_data(msg, data, size, free_fn, &lent) == 0);
    CHECK(size == 0 || zmq_msg_data(msg) == data);
    lent++;
}

static void expect_all(void)
{
    struct timespec pause = {0, 1000000};
    for (int i = 0; i < 20000 && __sync_fetch_and_add(&returned, 0) != lent; i++)
        nanosleep(&pause, NULL);
    CHECK(returned == lent);
}

static const size_t sizes[] = {0, 1, 33, 46, 47, 100, 5000, 20000, 100000, 2000000};
#define SIZES (sizeof sizes / sizeof *sizes)

static void without_a_socket(void)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t one, two;
        lend_to(&one, sizes[i], give_back);
        CHECK(returned == lent - 1);
        CHECK(zmq_msg_init(&two) == 0 && zmq_msg_copy(&two, &one) == 0);
        CHECK(zmq_msg_get(&two, ZMQ_SHARED) == 1);
        CHECK(zmq_msg_close(&one) == 0 && returned == lent - 1);
        CHECK(zmq_msg_init(&one) == 0 && zmq_msg_move(&one, &two) == 0);
        CHECK(zmq_msg_close(&two) == 0 && returned == lent - 1);
        CHECK(zmq_msg_close(&one) == 0 && returned == lent);
    }
}

static void sent(void *context, int by_tcp, zmq_free_fn *free_fn)
{
    void *push = open_socket(context, ZMQ_DEALER), *pull = open_socket(context, ZMQ_DEALER);
    join(context, pull, push, by_tcp);
    busy = push;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < SIZES; i++) {
            zmq_msg_t msg;
            lend_to(&msg, sizes[i], free_fn);
            CHECK(zmq_msg_send(&msg, push, i % 2 ? 0 : ZMQ_SNDMORE) == (int)sizes[i]);
            CHECK(zmq_msg_size(&msg) == 0 && zmq_msg_close(&msg) == 0);
        }
    }
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < SIZES; i++) {
            zmq_msg_t msg;
            CHECK(zmq_msg_init(&msg) == 0);
            do
                CHECK(zmq_msg_recv(&msg, pull, 0) >= 0);
            while (zmq_msg_size(&msg) == 20);
            CHECK(zmq_msg_size(&msg) == sizes[i] && zmq_msg_close(&msg) == 0);
        }
    }
    expect_all();
    CHECK(zmq_close(push) == 0 && zmq_close(pull) == 0);
}

/* Nobody is there, or nobody reads: dropped with the socket. */
static void dropped(void *context)
{
    void *push = open_socket(context, ZMQ_PUSH);
    zmq_msg_t msg;
    int none = 0;
    CHECK(zmq_setsockopt(push, ZMQ_SNDTIMEO, &none, sizeof none) == 0);
    lend_to(&msg, 10, give_back);
    FAILS(EAGAIN, zmq_msg_send(&msg, push, 0));
    CHECK(zmq_msg_size(&msg) == 10 && returned == lent - 1);
    CHECK(zmq_connect(push, "tcp://127.0.0.1:1") == 0);
    CHECK(zmq_msg_send(&msg, push, 0) == 10);
    for (size_t i = 0; i < SIZES; i++) {
        lend_to(&msg, sizes[i], give_back);
        CHECK(zmq_msg_send(&msg, push, ZMQ_SNDMORE) >= 0);
    }
    CHECK(zmq_close(push) == 0);
    expect_all();
    void *pub = open_socket(context, ZMQ_PUB);
    CHECK(zmq_bind(pub, "tcp://127.0.0.1:*") == 0);
    lend_to(&msg, 100000, give_back);
    CHECK(zmq_msg_send(&msg, pub, 0) == 100000 && zmq_close(pub) == 0);
    expect_all();
}

static void *proxied[2];

static void *proxy(void *nothing)
{
    CHECK(zmq_proxy(proxied[0], proxied[1], NULL) == -1);
    return nothing;
}

/* A proxy, whose call does not end, gives back what it has carried. */
static void carried(zmq_free_fn *free_fn)
{
    void *context = zmq_ctx_new();
    void *push = open_socket(context, ZMQ_PUSH), *pull = open_socket(context, ZMQ_PULL);
    pthread_t thread;
    proxied[0] = open_socket(context, ZMQ_PULL);
    proxied[1] = open_socket(context, ZMQ_PUSH);
    join(context, proxied[0], push, 0);
    join(context, proxied[1], pull, 1);
    busy = proxied[1];
    CHECK(pthread_create(&thread, NULL, proxy, NULL) == 0);
    for (size_t i = 0; i < 10 * SIZES; i++) {
        zmq_msg_t msg;
        lend_to(&msg, sizes[i % SIZES], free_fn);
        CHECK(zmq_msg_send(&msg, push, 0) == (int)sizes[i % SIZES]);
        CHECK(zmq_msg_init(&msg) == 0);
        do
            CHECK(zmq_msg_recv(&msg, pull, 0) >= 0);
        while (zmq_msg_size(&msg) == 20);
        CHECK(zmq_msg_size(&msg) == sizes[i % SIZES] && zmq_msg_close(&msg) == 0);
    }
    expect_all();
    CHECK(zmq_ctx_shutdown(context) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(zmq_close(proxied[0]) == 0 && zmq_close(proxied[1]) == 0);
    CHECK(zmq_close(push) == 0 && zmq_close(pull) == 0 && zmq_ctx_term(context) == 0);
}

static void *ending;
static int refused;

static void give_back_and_end(void *data, void *hint)
{
    FAILS(EFSM, zmq_ctx_term(ending));
    __sync_fetch_and_add(&refused, 1);
    give_back(data, hint);
}

/* A context that is to end on its own I/O thread, which writes the rest of a large message, is shut down but not waited for. */
static void ended(void)
{
    ending = zmq_ctx_new();
    void *push = zmq_socket(ending, ZMQ_PUSH), *pull = open_socket(ending, ZMQ_PULL);
    zmq_msg_t msg;
    join(ending, pull, push, 1);
    lend_to(&msg, 40000000, give_back_and_end);
    CHECK(zmq_msg_send(&msg, push, 0) == 40000000 && zmq_close(push) == 0);
    CHECK(zmq_msg_init(&msg) == 0);
    CHECK(zmq_msg_recv(&msg, pull, 0) == 40000000 || errno == ETERM);
    expect_all();
    CHECK(refused == 1 && zmq_socket(ending, ZMQ_PAIR) == NULL && errno == ETERM);
    CHECK(zmq_msg_close(&msg) == 0 && zmq_close(pull) == 0 && zmq_ctx_term(ending) == 0);
}

int main(void)
{
    void *context = zmq_ctx_new();
    without_a_socket();
    for (int by_tcp = 0; by_tcp < 2; by_tcp++) {
        sent(context, by_tcp, give_back);
        sent(context, by_tcp, give_back_and_call);
    }
    dropped(context);
    CHECK(zmq_ctx_term(context) == 0);
    expect_all();
    carried(give_back);
    carried(give_back_and_call);
    ended();
    return 0;
}
