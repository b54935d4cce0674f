//! Patterns against queues: what RFC 28 to 31 and libzmq demand of each type.
