/* ZMQ_FD in loops that are not ours: level- and edge-triggered, over tcp and inproc. A lost wake-up is a loop that
 * waits for ever. Also: quiet when nothing happens. */
#include "check.h"

#define MESSAGES 20000

static int events_of(void *socket)
{
    int events;
    size_t size = sizeof events;
    CHECK(zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0);
    return events;
}

static int fd_of(void *socket)
{
    int fd;
    size_t size = sizeof fd;
    CHECK(zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0);
    return fd;
}

/* Sends with pauses of all lengths, so that the receiver sleeps in every place. */
static void *sender(void *socket)
{
    unsigned seed = 7;
    for (int i = 0; i < MESSAGES; i++) {
        if (rand_r(&seed) % 8 == 0) {
            struct timespec pause = {0, rand_r(&seed) % 60000};
            nanosleep(&pause, NULL);
        }
        CHECK(zmq_send(socket, &i, sizeof i, 0) == sizeof i);
    }
    return NULL;
}

static int epoll_on(int fd, int edge)
{
    struct epoll_event event = {.events = EPOLLIN | (edge ? EPOLLET : 0)};
    int set = epoll_create1(0);
    CHECK(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
    return set;
}

static void wait_on(int set)
{
    struct epoll_event event;
    int told;
    do
        told = epoll_wait(set, &event, 1, 20000);
    while (told < 0 && errno == EINTR);
    CHECK(told == 1);
}

static void receive(void *context, int by_tcp, int edge)
{
    void *pull = open_socket(context, ZMQ_PULL), *push = open_socket(context, ZMQ_PUSH);
    pthread_t thread;
    join(context, pull, push, by_tcp);
    int set = epoll_on(fd_of(pull), edge), got = 0;
    CHECK(pthread_create(&thread, NULL, sender, push) == 0);
    while (got < MESSAGES) {
        while (got < MESSAGES && (events_of(pull) & ZMQ_POLLIN)) {
            int number;
            CHECK(zmq_recv(pull, &number, sizeof number, ZMQ_DONTWAIT) == sizeof number && number == got);
            got++;
        }
        if (got < MESSAGES)
            wait_on(set);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(!(events_of(pull) & ZMQ_POLLIN));
    struct epoll_event event;
    CHECK(epoll_wait(set, &event, 1, 50) == 0);
    close(set);
    CHECK(zmq_close(pull) == 0 && zmq_close(push) == 0);
}

/* The loop that asks for no events: receive until there is nothing, then wait. */
static void receive_until_empty(void *context, int by_tcp, int edge)
{
    void *pull = open_socket(context, ZMQ_PULL), *push = open_socket(context, ZMQ_PUSH);
    pthread_t thread;
    join(context, pull, push, by_tcp);
    int set = epoll_on(fd_of(pull), edge), got = 0, number;
    CHECK(pthread_create(&thread, NULL, sender, push) == 0);
    while (got < MESSAGES) {
        if (zmq_recv(pull, &number, sizeof number, ZMQ_DONTWAIT) == sizeof number) {
            CHECK(number == got++);
        } else {
            CHECK(errno == EAGAIN);
            wait_on(set);
        }
    }
    CHECK(pthread_join(thread, NULL) == 0);
    close(set);
    CHECK(zmq_close(pull) == 0 && zmq_close(push) == 0);
}

static void *receiver(void *socket)
{
    for (int i = 0; i < MESSAGES; i++) {
        int number;
        CHECK(zmq_recv(socket, &number, sizeof number, 0) == sizeof number && number == i);
    }
    return NULL;
}

/* Waits for room by the descriptor. */
static void send_all(void *context, int by_tcp, int edge)
{
    void *pull = open_socket(context, ZMQ_PULL), *push = open_socket(context, ZMQ_PUSH);
    int mark = 10;
    pthread_t thread;
    CHECK(zmq_setsockopt(push, ZMQ_SNDHWM, &mark, sizeof mark) == 0);
    CHECK(zmq_setsockopt(pull, ZMQ_RCVHWM, &mark, sizeof mark) == 0);
    join(context, pull, push, by_tcp);
    int set = epoll_on(fd_of(push), edge);
    CHECK(pthread_create(&thread, NULL, receiver, pull) == 0);
    for (int sent = 0; sent < MESSAGES;) {
        if (zmq_send(push, &sent, sizeof sent, ZMQ_DONTWAIT) == sizeof sent) {
            sent++;
        } else {
            CHECK(errno == EAGAIN);
            if (!(events_of(push) & ZMQ_POLLOUT))
                wait_on(set);
        }
    }
    CHECK(pthread_join(thread, NULL) == 0);
    close(set);
    CHECK(zmq_close(pull) == 0 && zmq_close(push) == 0);
}

/* Calls that wait and the descriptor take turns. */
static void mixed(void *context, int by_tcp)
{
    void *pull = open_socket(context, ZMQ_PULL), *push = open_socket(context, ZMQ_PUSH);
    pthread_t thread;
    join(context, pull, push, by_tcp);
    int set = epoll_on(fd_of(pull), 0), got = 0, number;
    CHECK(pthread_create(&thread, NULL, sender, push) == 0);
    while (got < MESSAGES) {
        if (got % 3 == 0) {
            CHECK(zmq_recv(pull, &number, sizeof number, 0) == sizeof number && number == got++);
        } else if (got % 3 == 1) {
            zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
            CHECK(zmq_poll(&item, 1, 20000) == 1);
            CHECK(zmq_recv(pull, &number, sizeof number, ZMQ_DONTWAIT) == sizeof number && number == got++);
        } else {
            while (!(events_of(pull) & ZMQ_POLLIN))
                wait_on(set);
            CHECK(zmq_recv(pull, &number, sizeof number, ZMQ_DONTWAIT) == sizeof number && number == got++);
        }
    }
    CHECK(pthread_join(thread, NULL) == 0);
    close(set);
    CHECK(zmq_close(pull) == 0 && zmq_close(push) == 0);
}

/* A poller that has a socket and its descriptor: both tell, the descriptor also of what is no message. */
static void watched_twice(void *context)
{
    void *pull = open_socket(context, ZMQ_PULL), *push = open_socket(context, ZMQ_PUSH), *poller = zmq_poller_new();
    zmq_poller_event_t events[2];
    int fd = fd_of(pull);
    CHECK(zmq_poller_add(poller, pull, NULL, ZMQ_POLLIN) == 0);
    CHECK(zmq_poller_add_fd(poller, fd, &fd, ZMQ_POLLIN) == 0);
    while (zmq_poller_wait(poller, events, 0) == 0)
        CHECK(events->user_data == &fd);
    join(context, pull, push, 1);
    CHECK(zmq_poller_wait(poller, events, 20000) == 0 && events->user_data == &fd);
    CHECK(zmq_send(push, "x", 1, 0) == 1);
    do
        CHECK(zmq_poller_wait_all(poller, events, 2, 20000) > 0);
    while (events->socket != pull);
    CHECK(zmq_poller_destroy(&poller) == 0 && zmq_close(pull) == 0 && zmq_close(push) == 0);
}

static void *replier(void *socket)
{
    for (int i = 0; i < MESSAGES / 10; i++) {
        char byte;
        CHECK(zmq_recv(socket, &byte, 1, 0) == 1 && zmq_send(socket, &byte, 1, 0) == 1);
    }
    return NULL;
}

/* Loops may wait for the reply without having asked for the events after the request, always or now and then. */
static void ask(void *context, int by_tcp, unsigned seldom)
{
    void *rep = open_socket(context, ZMQ_REP), *req = open_socket(context, ZMQ_REQ);
    pthread_t thread;
    join(context, rep, req, by_tcp);
    int set = epoll_on(fd_of(req), 0);
    CHECK(pthread_create(&thread, NULL, replier, rep) == 0);
    for (int i = 0; i < MESSAGES / 10; i++) {
        char byte;
        while (!(events_of(req) & ZMQ_POLLOUT))
            wait_on(set);
        CHECK(zmq_send(req, "?", 1, ZMQ_DONTWAIT) == 1);
        int told = seldom && i % seldom && (events_of(req) & ZMQ_POLLIN);
        while (!told) {
            wait_on(set);
            told = events_of(req) & ZMQ_POLLIN;
        }
        CHECK(zmq_recv(req, &byte, 1, ZMQ_DONTWAIT) == 1);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    close(set);
    CHECK(zmq_close(req) == 0 && zmq_close(rep) == 0);
}

int main(void)
{
    void *context = zmq_ctx_new();
    for (int by_tcp = 0; by_tcp < 2; by_tcp++) {
        for (unsigned seldom = 0; seldom < 4; seldom++)
            ask(context, by_tcp, seldom);
        for (int edge = 0; edge < 2; edge++) {
            receive(context, by_tcp, edge);
            receive_until_empty(context, by_tcp, edge);
            send_all(context, by_tcp, edge);
        }
        mixed(context, by_tcp);
    }
    watched_twice(context);
    /* Termination is told by the descriptor, too. */
    void *socket = open_socket(context, ZMQ_PULL);
    int set = epoll_on(fd_of(socket), 1), events;
    size_t size = sizeof events;
    wait_on(set);
    (void)events_of(socket);
    CHECK(zmq_ctx_shutdown(context) == 0);
    wait_on(set);
    FAILS(ETERM, zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size));
    CHECK(zmq_close(socket) == 0 && zmq_ctx_term(context) == 0);
    return 0;
}
