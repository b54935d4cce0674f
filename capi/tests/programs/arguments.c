/* Every function that takes a handle or a message, given what is none: null, memory of the caller's, a handle of
 * another kind, a closed one, a closed message. All are errors with libzmq's number, and nothing else. */
#include "check.h"

static char foreign[4096];

/* Every function that takes a socket. */
static void as_socket(void *s, int number)
{
    char buffer[64];
    size_t size = sizeof buffer, count = 1;
    struct iovec { void *base; size_t len; } part = {buffer, sizeof buffer};
    zmq_msg_t msg;
    void *context = zmq_ctx_new(), *good = zmq_socket(context, ZMQ_PAIR);
    CHECK(zmq_msg_init(&msg) == 0);
    FAILS(number, zmq_close(s));
    FAILS(number, zmq_setsockopt(s, ZMQ_LINGER, buffer, 4));
    FAILS(number, zmq_getsockopt(s, ZMQ_TYPE, buffer, &size));
    FAILS(number, zmq_bind(s, "inproc://a"));
    FAILS(number, zmq_connect(s, "inproc://a"));
    FAILS(number, zmq_unbind(s, "inproc://a"));
    FAILS(number, zmq_disconnect(s, "inproc://a"));
    FAILS(number, zmq_send(s, buffer, 1, 0));
    FAILS(number, zmq_send_const(s, buffer, 1, 0));
    FAILS(number, zmq_recv(s, buffer, sizeof buffer, 0));
    FAILS(number, zmq_msg_send(&msg, s, 0));
    FAILS(number, zmq_msg_recv(&msg, s, 0));
    FAILS(number, zmq_sendmsg(s, &msg, 0));
    FAILS(number, zmq_recvmsg(s, &msg, 0));
    FAILS(number, zmq_sendiov(s, (void *)&part, 1, 0));
    FAILS(number, zmq_recviov(s, (void *)&part, &count, 0));
    FAILS(number, zmq_socket_monitor(s, "inproc://m", ZMQ_EVENT_ALL));
    FAILS(number, zmq_socket_monitor_versioned(s, "inproc://m", 1, 2, ZMQ_PAIR));
    FAILS(number, zmq_socket_monitor_pipes_stats(s));
    FAILS(number, zmq_join(s, "group"));
    FAILS(number, zmq_leave(s, "group"));
    FAILS(number, zmq_disconnect_peer(s, 1));
    FAILS(number, zmq_socket_get_peer_state(s, buffer, 1));
    CHECK(zmq_connect_peer(s, "inproc://a") == 0 && errno == number);
    FAILS(s ? number : EFAULT, zmq_proxy(s, good, NULL));
    FAILS(s ? number : EFAULT, zmq_proxy(good, s, NULL));
    FAILS(s ? number : EFAULT, zmq_proxy_steerable(s, good, NULL, NULL));
    FAILS(s ? number : EFAULT, zmq_device(0, s, good));
    if (s) {
        zmq_pollitem_t item = {s, 0, ZMQ_POLLIN, 0};
        FAILS(number, zmq_poll(&item, 1, 0));
        FAILS(number, zmq_ppoll(&item, 1, 0, NULL));
        FAILS(number, zmq_proxy(good, good, s));
    }
    void *poller = zmq_poller_new();
    FAILS(number, zmq_poller_add(poller, s, NULL, ZMQ_POLLIN));
    FAILS(number, zmq_poller_modify(poller, s, ZMQ_POLLIN));
    FAILS(number, zmq_poller_remove(poller, s));
    CHECK(zmq_poller_destroy(&poller) == 0 && poller == NULL);
    CHECK(zmq_msg_close(&msg) == 0);
    CHECK(zmq_close(good) == 0 && zmq_ctx_term(context) == 0);
}

static void as_context(void *c)
{
    int value = 1;
    size_t size = sizeof value;
    FAILS(EFAULT, zmq_ctx_term(c));
    FAILS(EFAULT, zmq_term(c));
    FAILS(EFAULT, zmq_ctx_destroy(c));
    FAILS(EFAULT, zmq_ctx_shutdown(c));
    FAILS(EFAULT, zmq_ctx_set(c, ZMQ_IO_THREADS, 1));
    FAILS(EFAULT, zmq_ctx_get(c, ZMQ_IO_THREADS));
    FAILS(EFAULT, zmq_ctx_set_ext(c, ZMQ_IO_THREADS, &value, size));
    FAILS(EFAULT, zmq_ctx_get_ext(c, ZMQ_IO_THREADS, &value, &size));
    errno = 0;
    CHECK(zmq_socket(c, ZMQ_PAIR) == NULL && errno == EFAULT);
}

static void callback(int id, void *argument)
{
    (void)id, (void)argument;
}

static void as_others(void *o)
{
    void *copy = o;
    zmq_poller_event_t event;
    int fd;
    FAILS(EFAULT, zmq_poller_destroy(&copy));
    FAILS(EFAULT, zmq_poller_size(o));
    FAILS(EFAULT, zmq_poller_add_fd(o, 0, NULL, ZMQ_POLLIN));
    FAILS(EFAULT, zmq_poller_modify_fd(o, 0, ZMQ_POLLIN));
    FAILS(EFAULT, zmq_poller_remove_fd(o, 0));
    FAILS(EFAULT, zmq_poller_wait(o, &event, 0));
    FAILS(EFAULT, zmq_poller_wait_all(o, &event, 1, 0));
    FAILS(EFAULT, zmq_poller_fd(o, &fd));
    FAILS(EFAULT, zmq_timers_destroy(&copy));
    FAILS(EFAULT, zmq_timers_add(o, 1, callback, NULL));
    FAILS(EFAULT, zmq_timers_cancel(o, 1));
    FAILS(EFAULT, zmq_timers_set_interval(o, 1, 1));
    FAILS(EFAULT, zmq_timers_reset(o, 1));
    FAILS(EFAULT, zmq_timers_timeout(o));
    FAILS(EFAULT, zmq_timers_execute(o));
    FAILS(EFAULT, zmq_atomic_counter_inc(o));
    FAILS(EFAULT, zmq_atomic_counter_dec(o));
    FAILS(EFAULT, zmq_atomic_counter_value(o));
    zmq_atomic_counter_set(o, 1);
    zmq_atomic_counter_destroy(&copy);
    CHECK(zmq_stopwatch_intermediate(o) == 0 && zmq_stopwatch_stop(o) == 0);
    zmq_threadclose(o);
    CHECK(copy == o);
}

static void as_message(zmq_msg_t *m, void *socket)
{
    zmq_msg_t good;
    CHECK(zmq_msg_init(&good) == 0);
    FAILS(EFAULT, zmq_msg_close(m));
    FAILS(EFAULT, zmq_msg_move(m, &good));
    FAILS(EFAULT, zmq_msg_move(&good, m));
    FAILS(EFAULT, zmq_msg_copy(m, &good));
    FAILS(EFAULT, zmq_msg_copy(&good, m));
    FAILS(EFAULT, zmq_msg_get(m, ZMQ_MORE));
    FAILS(EFAULT, zmq_msg_send(m, socket, ZMQ_DONTWAIT));
    FAILS(EFAULT, zmq_msg_recv(m, socket, ZMQ_DONTWAIT));
    FAILS(EFAULT, zmq_msg_set_routing_id(m, 1));
    FAILS(EFAULT, zmq_msg_set_group(m, "group"));
    FAILS(EINVAL, zmq_msg_set(m, ZMQ_MORE, 1));
    CHECK(zmq_msg_data(m) == NULL && zmq_msg_size(m) == 0 && zmq_msg_more(m) == 0);
    CHECK(zmq_msg_gets(m, "Socket-Type") == NULL && errno == EFAULT);
    errno = 0;
    CHECK(zmq_msg_group(m) == NULL && errno == EFAULT);
    errno = 0;
    CHECK(zmq_msg_routing_id(m) == 0 && errno == EFAULT);
    CHECK(zmq_msg_close(&good) == 0);
}

/* Pollers and timers that exist, and what is asked of them does not. */
static void other_sets(void *socket)
{
    void *poller = zmq_poller_new(), *timers = zmq_timers_new();
    zmq_poller_event_t event;
    int fd;
    CHECK(poller != NULL && timers != NULL);
    FAILS(EAGAIN, zmq_poller_wait(poller, &event, 0));
    FAILS(EFAULT, zmq_poller_wait(poller, &event, -1));
    FAILS(EINVAL, zmq_poller_modify(poller, socket, ZMQ_POLLIN));
    FAILS(EINVAL, zmq_poller_remove(poller, socket));
    FAILS(EINVAL, zmq_poller_modify_fd(poller, 0, ZMQ_POLLIN));
    FAILS(EINVAL, zmq_poller_remove_fd(poller, 0));
    FAILS(EBADF, zmq_poller_add_fd(poller, -1, NULL, ZMQ_POLLIN));
    FAILS(EINVAL, zmq_poller_add(poller, socket, NULL, 16));
    FAILS(EINVAL, zmq_poller_fd(poller, &fd));
    CHECK(zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN) == 0 && zmq_poller_size(poller) == 1);
    FAILS(EINVAL, zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN));
    FAILS(EFAULT, zmq_poller_wait(poller, NULL, 0));
    FAILS(EFAULT, zmq_poller_wait_all(poller, NULL, 1, 0));
    FAILS(EINVAL, zmq_poller_wait_all(poller, &event, -1, 0));
    FAILS(EFAULT, zmq_poller_fd(poller, NULL));
    CHECK(zmq_poller_destroy(&poller) == 0);
    FAILS(EFAULT, zmq_timers_add(timers, 1, NULL, NULL));
    FAILS(EINVAL, zmq_timers_cancel(timers, 1));
    FAILS(EINVAL, zmq_timers_reset(timers, -1));
    FAILS(EINVAL, zmq_timers_set_interval(timers, 0, 1));
    CHECK(zmq_timers_timeout(timers) == -1 && zmq_timers_execute(timers) == 0);
    CHECK(zmq_timers_add(timers, 1000, callback, NULL) == 1 && zmq_timers_cancel(timers, 1) == 0);
    FAILS(EINVAL, zmq_timers_cancel(timers, 1));
    CHECK(zmq_timers_destroy(&timers) == 0);
}

static void other_nulls(void *context, void *socket)
{
    zmq_msg_t msg;
    char buffer[64];
    size_t size = sizeof buffer;
    FAILS(EFAULT, zmq_msg_init(NULL));
    FAILS(EFAULT, zmq_msg_init_size(NULL, 1));
    FAILS(EFAULT, zmq_msg_init_data(NULL, buffer, 1, NULL, NULL));
    FAILS(EFAULT, zmq_msg_init_data(&msg, NULL, 1, NULL, NULL));
    FAILS(EFAULT, zmq_msg_init_buffer(&msg, NULL, 1));
    FAILS(ENOMEM, zmq_msg_init_size(&msg, (size_t)1 << 60));
    FAILS(EINVAL, zmq_bind(socket, NULL));
    FAILS(EINVAL, zmq_connect(socket, NULL));
    FAILS(EINVAL, zmq_unbind(socket, NULL));
    FAILS(EINVAL, zmq_disconnect(socket, NULL));
    FAILS(EFAULT, zmq_send(socket, NULL, 1, ZMQ_DONTWAIT));
    FAILS(EFAULT, zmq_recv(socket, NULL, 1, ZMQ_DONTWAIT));
    FAILS(EFAULT, zmq_getsockopt(socket, ZMQ_TYPE, NULL, &size));
    FAILS(EFAULT, zmq_getsockopt(socket, ZMQ_TYPE, buffer, NULL));
    FAILS(EINVAL, zmq_setsockopt(socket, ZMQ_LINGER, NULL, 4));
    FAILS(EFAULT, zmq_ctx_get_ext(context, ZMQ_IO_THREADS, NULL, &size));
    FAILS(EFAULT, zmq_ctx_get_ext(context, ZMQ_IO_THREADS, buffer, NULL));
    FAILS(EFAULT, zmq_poll(NULL, 1, 0));
    FAILS(EINVAL, zmq_poll(NULL, -1, 0));
    CHECK(zmq_poll(NULL, 0, 1) == 0);
    errno = 0;
    CHECK(zmq_socket(context, 1000) == NULL && errno == EINVAL);
    CHECK(zmq_socket(context, -1) == NULL && errno == EINVAL);
    CHECK(zmq_init(-1) == NULL && errno == EINVAL);
    CHECK(zmq_z85_encode(NULL, (uint8_t *)buffer, 4) == NULL && errno == EFAULT);
    CHECK(zmq_z85_encode(buffer, NULL, 3) == NULL && errno == EINVAL);
    CHECK(zmq_z85_decode(NULL, "HelloWorld") == NULL && errno == EFAULT);
    CHECK(zmq_z85_decode((uint8_t *)buffer, NULL) == NULL && errno == EFAULT);
    CHECK(zmq_z85_decode((uint8_t *)buffer, "Hello") && !zmq_z85_decode((uint8_t *)buffer, "Hell"));
    CHECK(zmq_threadstart(NULL, NULL) == NULL && errno == EFAULT);
    FAILS(EFAULT, zmq_curve_keypair(NULL, buffer));
    FAILS(EFAULT, zmq_curve_keypair(buffer, NULL));
    FAILS(EFAULT, zmq_curve_public(NULL, "0000000000000000000000000000000000000000"));
    FAILS(EFAULT, zmq_curve_public(buffer, NULL));
    FAILS(EINVAL, zmq_curve_public(buffer, "too short"));
    FAILS(EINVAL, zmq_curve_public(buffer, "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"));
    FAILS(EINVAL, zmq_sendiov(socket, NULL, 1, ZMQ_DONTWAIT));
    FAILS(EINVAL, zmq_sendiov(socket, (void *)buffer, 0, ZMQ_DONTWAIT));
    FAILS(EINVAL, zmq_recviov(socket, NULL, &size, ZMQ_DONTWAIT));
    FAILS(EINVAL, zmq_recviov(socket, (void *)buffer, NULL, ZMQ_DONTWAIT));
    FAILS(EINVAL, zmq_recviov(socket, (void *)buffer, &(size_t){0}, ZMQ_DONTWAIT));
    FAILS(EFAULT, zmq_ctx_set_ext(context, ZMQ_IO_THREADS, NULL, sizeof(int)));
    FAILS(EFAULT, zmq_ppoll(NULL, 1, 0, NULL));
    FAILS(EINVAL, zmq_ppoll(NULL, -1, 0, NULL));
    FAILS(EPROTONOSUPPORT, zmq_socket_monitor(socket, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL));
    FAILS(EINVAL, zmq_socket_monitor(socket, "", ZMQ_EVENT_ALL));
    FAILS(EINVAL, zmq_socket_monitor_versioned(socket, "inproc://m", 1, 3, ZMQ_PAIR));
    FAILS(EINVAL, zmq_socket_monitor_versioned(socket, "inproc://m", 1, 2, ZMQ_REP));
    FAILS(EINVAL, zmq_socket_monitor_versioned(socket, "inproc://m", 1ull << 40, 1, ZMQ_PAIR));
    FAILS(EINVAL, zmq_socket_monitor_pipes_stats(socket));
    CHECK(zmq_socket_monitor(socket, NULL, 0) == 0);
    CHECK(zmq_socket_monitor_versioned(socket, NULL, 0, 7, 99) == 0);
    CHECK(zmq_msg_init(&msg) == 0 && zmq_msg_gets(&msg, NULL) == NULL && errno == EINVAL);
    CHECK(zmq_msg_gets(&msg, "Socket-Type") == NULL && errno == EINVAL);
    FAILS(EINVAL, zmq_msg_get(&msg, 0));
    FAILS(EINVAL, zmq_msg_get(&msg, ZMQ_SRCFD));
    FAILS(EINVAL, zmq_msg_set_routing_id(&msg, 0));
    CHECK(zmq_msg_close(&msg) == 0);
    other_sets(socket);
    zmq_sleep(0);
    zmq_sleep(-1);
    void *watch = zmq_stopwatch_start();
    CHECK(watch != NULL && zmq_stopwatch_intermediate(watch) <= zmq_stopwatch_stop(watch));
    CHECK(zmq_stopwatch_intermediate(watch) == 0);
    FAILS(EFAULT, zmq_timers_destroy(NULL));
    FAILS(EFAULT, zmq_poller_destroy(NULL));
    zmq_atomic_counter_destroy(NULL);
    zmq_version(NULL, NULL, NULL);
    CHECK(zmq_has(NULL) == 0 && zmq_has("ipc") == 1 && zmq_has("draft") == 0 && zmq_has("IPC") == 0);
    CHECK(strcmp(zmq_strerror(ETERM), "Context was terminated") == 0 && zmq_strerror(-1) != NULL);
}

int main(void)
{
    void *context = zmq_ctx_new(), *socket = open_socket(context, ZMQ_PAIR);
    void *counter = zmq_atomic_counter_new(), *closed = zmq_socket(context, ZMQ_PAIR);
    void *gone = zmq_ctx_new(), *poller = zmq_poller_new(), *destroyed = poller;
    CHECK(closed && zmq_close(closed) == 0 && zmq_ctx_term(gone) == 0 && zmq_poller_destroy(&poller) == 0);
    memset(foreign, 0xa5, sizeof foreign);
    /* CZMQ looks for a tag of its own in what may be a socket. */
    void *handles[] = {context, socket, counter, closed, gone, destroyed};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        for (size_t at = 0; at < 64; at++)
            CHECK(((volatile unsigned char *)handles[i])[at] == 0);
    as_socket(NULL, ENOTSOCK);
    as_socket(foreign, ENOTSOCK);
    as_socket(context, ENOTSOCK);
    as_socket(closed, ENOTSOCK);
    as_socket((char *)socket + 1, ENOTSOCK);
    as_socket((void *)-1, ENOTSOCK);
    as_context(NULL);
    as_context(foreign);
    as_context(socket);
    as_context(gone);
    as_others(NULL);
    as_others(foreign);
    as_others(context);
    as_others(destroyed);
    /* Neither was touched. */
    CHECK(zmq_atomic_counter_value(counter) == 0);
    zmq_atomic_counter_destroy(&counter);
    CHECK(counter == NULL);

    static zmq_msg_t zeroed;
    zmq_msg_t shut;
    as_message(NULL, socket);
    as_message(&zeroed, socket);
    as_message((zmq_msg_t *)foreign, socket);
    as_message((zmq_msg_t *)(foreign + 1), socket);
    CHECK(zmq_msg_init_size(&shut, 100) == 0 && zmq_msg_close(&shut) == 0);
    as_message(&shut, socket);
    other_nulls(context, socket);
    CHECK(zmq_close(socket) == 0);
    FAILS(ENOTSOCK, zmq_close(socket));
    CHECK(zmq_ctx_term(context) == 0);
    FAILS(EFAULT, zmq_ctx_term(context));
    return 0;
}
