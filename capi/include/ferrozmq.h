/*
 * What this libzmq.so.5 can do and libzmq cannot. The names begin with "ferrozmq_", which no function of libzmq will ever
 * begin with; a program that uses them needs this library.
 */

#ifndef FERROZMQ_H_INCLUDED
#define FERROZMQ_H_INCLUDED

#include <zmq.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a socket has counted, in all and for each of its peers, as JSON: one object, ended by a NUL (docs/statistics.md).
 *
 * size: in, how many bytes buffer has; out, how many the text needs, the NUL included. buffer may be NULL if *size is 0.
 * Returns 0; or -1 with errno ENOBUFS if the text does not fit (buffer is untouched then, and *size says what it takes
 * now, which may grow), EFAULT, ENOTSOCK, ETERM.
 */
int ferrozmq_socket_stats_json (void *socket, char *buffer, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
