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
 * Socket options of this library's own, for zmq_setsockopt and zmq_getsockopt. Of type int64_t, -1 for no limit:
 * FERROZMQ_MAX_CONNECTIONS, _MULTIPART_BYTES, _UNREAD_BYTES, _UNSENT_BYTES, _SUBSCRIPTIONS and _SUBSCRIPTION_BYTES; the others are int.
 */
#define FERROZMQ_HEARTBEAT_LENIENT 10075
#define FERROZMQ_MAX_HANDSHAKE_BYTES 10200
#define FERROZMQ_MAX_PROPERTIES 10201
#define FERROZMQ_MAX_PROPERTY_BYTES 10202
#define FERROZMQ_MAX_HANDSHAKES 10203
#define FERROZMQ_MAX_CONNECTIONS 10204
#define FERROZMQ_MAX_MULTIPART_BYTES 10205
#define FERROZMQ_MAX_PARTS 10206
#define FERROZMQ_MAX_UNREAD_BYTES 10207
#define FERROZMQ_MAX_UNSENT_BYTES 10208
#define FERROZMQ_MAX_TOPIC_BYTES 10209
#define FERROZMQ_MAX_SUBSCRIPTIONS 10210
#define FERROZMQ_MAX_SUBSCRIPTION_BYTES 10211

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
