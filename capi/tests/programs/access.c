/* Access rules for programs in C: by the context's option, by the environment, and both outcomes. */
#include "check.h"

static char rules[] = "/tmp/ferrozmq-access-XXXXXX";

static void write_rules(const char *text)
{
    FILE *file = fopen(rules, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The client's first event about its handshake with a server in this context. */
static int handshake(void *context)
{
    void *clients = zmq_ctx_new(), *server = open_socket(context, ZMQ_DEALER);
    void *client = open_socket(clients, ZMQ_DEALER), *monitor = open_socket(clients, ZMQ_PAIR);
    int failed = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    uint16_t event;
    unsigned char frame[6];
    char address[256];
    CHECK(clients != NULL);
    CHECK(zmq_socket_monitor(client, "inproc://events", ZMQ_EVENT_HANDSHAKE_SUCCEEDED | failed) == 0);
    CHECK(zmq_connect(monitor, "inproc://events") == 0);
    join(context, server, client, 1);
    CHECK(zmq_recv(monitor, frame, sizeof frame, 0) == 6);
    CHECK(zmq_recv(monitor, address, sizeof address, 0) >= 0);
    memcpy(&event, frame, sizeof event);
    CHECK(zmq_socket_monitor(client, NULL, 0) == 0);
    CHECK(zmq_close(monitor) == 0 && zmq_close(client) == 0 && zmq_close(server) == 0);
    CHECK(zmq_ctx_term(clients) == 0);
    return event;
}

int main(void)
{
    void *context;
    int file = mkstemp(rules);
    CHECK(file >= 0 && close(file) == 0);

    write_rules("allow-net 127.0.0.0/8\n");
    context = zmq_ctx_new();
    CHECK(zmq_ctx_set_ext(context, ZMQ_ACCESS_RULES, rules, strlen(rules)) == 0);
    CHECK(handshake(context) == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    FAILS(EINVAL, zmq_ctx_set_ext(context, ZMQ_ACCESS_RULES, "/nonexistent/rules", 18));
    write_rules("let everybody in\n");
    FAILS(EINVAL, zmq_ctx_set_ext(context, ZMQ_ACCESS_RULES, rules, strlen(rules)));
    CHECK(zmq_ctx_term(context) == 0);

    write_rules("deny-net 127.0.0.1\n");
    context = zmq_ctx_new();
    CHECK(zmq_ctx_set_ext(context, ZMQ_ACCESS_RULES, rules, strlen(rules) + 1) == 0);
    CHECK(handshake(context) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    CHECK(zmq_ctx_term(context) == 0);

    CHECK(setenv("FERROZMQ_ACCESS_RULES", rules, 1) == 0);
    context = zmq_ctx_new();
    CHECK(unsetenv("FERROZMQ_ACCESS_RULES") == 0);
    CHECK(handshake(context) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    CHECK(zmq_ctx_term(context) == 0);

    /* Rules that cannot be read let nobody in. */
    CHECK(setenv("FERROZMQ_ACCESS_RULES", "/nonexistent/rules", 1) == 0);
    context = zmq_ctx_new();
    CHECK(unsetenv("FERROZMQ_ACCESS_RULES") == 0);
    CHECK(handshake(context) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    CHECK(zmq_ctx_term(context) == 0);
    CHECK(unlink(rules) == 0);
    return 0;
}
