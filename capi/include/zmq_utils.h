/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stopwatches and threads once had this header of their own. They are in zmq.h now; include that. */
#ifndef FERROZMQ_ZMQ_UTILS_H
#define FERROZMQ_ZMQ_UTILS_H

#include "zmq.h"

#endif
