/* The library is loaded by hand, as bindings do, and let go of while its I/O threads run and threads have used it. It stays: what
 * runs when they end is still there. */
#include "check.h"
#include <dlfcn.h>

static void *(*ctx_new)(void), *(*socket_of)(void *, int);
static int (*bind_to)(void *, const char *), (*close_one)(void *), (*term)(void *);
static pthread_barrier_t used, unloaded;

static void *use(void *context)
{
    void *socket = socket_of(context, ZMQ_PUB);
    CHECK(socket != NULL && bind_to(socket, "tcp://127.0.0.1:*") == 0 && close_one(socket) == 0);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    return NULL;
}

static void *named(void *library, const char *name)
{
    void *function = dlsym(library, name);
    CHECK(function != NULL);
    return function;
}

int main(void)
{
    pthread_t threads[4];
    CHECK(pthread_barrier_init(&used, NULL, 5) == 0 && pthread_barrier_init(&unloaded, NULL, 5) == 0);
    for (int round = 0; round < 3; round++) {
        void *library = dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        *(void **)&ctx_new = named(library, "zmq_ctx_new");
        *(void **)&socket_of = named(library, "zmq_socket");
        *(void **)&bind_to = named(library, "zmq_bind");
        *(void **)&close_one = named(library, "zmq_close");
        *(void **)&term = named(library, "zmq_ctx_term");
        void *context = ctx_new();
        for (int i = 0; i < 4; i++)
            CHECK(pthread_create(&threads[i], NULL, use, context) == 0);
        pthread_barrier_wait(&used);
        CHECK(dlclose(library) == 0);
        pthread_barrier_wait(&unloaded);
        for (int i = 0; i < 4; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(term(context) == 0);
    }
    return 0;
}
