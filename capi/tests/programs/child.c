/* A fork's child may close what it inherits, and make contexts of its own; the parent's go on. */
#include "check.h"

static void in_the_child(void *context, void *pull, void *push)
{
    char byte;
    /* Not its own: an error, and no crash. */
    CHECK(zmq_send(push, "x", 1, ZMQ_DONTWAIT) == -1);
    CHECK(zmq_recv(pull, &byte, 1, ZMQ_DONTWAIT) == -1);
    CHECK(zmq_socket(context, ZMQ_PAIR) == NULL);
    CHECK(zmq_close(push) == 0 && zmq_close(pull) == 0 && zmq_ctx_term(context) == 0);
    FAILS(ENOTSOCK, zmq_close(push));
    context = zmq_ctx_new();
    pull = open_socket(context, ZMQ_PULL), push = open_socket(context, ZMQ_PUSH);
    join(context, pull, push, 1);
    CHECK(zmq_send(push, "child", 5, 0) == 5 && zmq_recv(pull, &byte, 1, 0) == 5);
    CHECK(zmq_close(push) == 0 && zmq_close(pull) == 0 && zmq_ctx_term(context) == 0);
    _exit(0);
}

static void *churn(void *stop)
{
    /* Keeps the table of handles busy while the process forks. */
    while (!__sync_fetch_and_add((int *)stop, 0)) {
        void *counter = zmq_atomic_counter_new();
        CHECK(counter != NULL);
        zmq_atomic_counter_destroy(&counter);
    }
    return NULL;
}

int main(void)
{
    void *context = zmq_ctx_new();
    void *pull = open_socket(context, ZMQ_PULL), *push = open_socket(context, ZMQ_PUSH);
    int stop = 0;
    pthread_t thread;
    join(context, pull, push, 1);
    CHECK(pthread_create(&thread, NULL, churn, &stop) == 0);
    for (int i = 0; i < 20; i++) {
        char byte;
        int status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            in_the_child(context, pull, push);
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK(zmq_send(push, "parent", 6, 0) == 6 && zmq_recv(pull, &byte, 1, 0) == 6);
    }
    __sync_fetch_and_add(&stop, 1);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(zmq_close(push) == 0 && zmq_close(pull) == 0 && zmq_ctx_term(context) == 0);
    return 0;
}
