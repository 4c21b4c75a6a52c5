/*
 * tls_hello.h - one thing in the ServerHello of TLS 1.2 that mbedTLS does not tell: whether the
 * master secret is bound to this very handshake (RFC 7627). Without it a channel binding proves
 * nothing.
 */
#ifndef STREAM_TLS_HELLO_H
#define STREAM_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>

/* message: a handshake message with its header of 4 bytes; false too if it is no ServerHello. */
bool tls_hello_extends_secret(const unsigned char *message, size_t len);

#endif
