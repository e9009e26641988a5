/* SPDX-License-Identifier: BSD-2-Clause */
/* replies - everything Pipit itself says about mail: one row a reply (RFC 5321 4.2.3, RFC 3463).
 *
 * To clients, and in place of a next hop that could not say it.  The
 * protocol machines' own replies (syntax, sequence) are theirs.
 */
#ifndef PIPIT_APP_REPLIES_H
#define PIPIT_APP_REPLIES_H

#include "mail/reply.h"

/* clang-format off */
#if CONFIG_LOCAL_DELIVERY
#define REPLIES_LOCAL(X) REPLIES_MAILBOX(X) REPLIES_CALLBACK(X)                       \
	X(DELIVERED,        250, 2, 0, 0,  "delivered to mailbox")
#else
#define REPLIES_LOCAL(X)
#endif

#if CONFIG_CALLBACK
#define REPLIES_CALLBACK(X)                                                           \
	X(NOT_NOW,          450, 4, 2, 0,  "not taken now")                           \
	X(NOT_WANTED,       550, 5, 2, 0,  "not taken")
#else
#define REPLIES_CALLBACK(X)
#endif

#if CONFIG_MAILBOXES
#define REPLIES_MAILBOX(X)                                                            \
	X(HELPER_FAILED,    451, 4, 3, 0,  "delivery helper failed")                  \
	X(NO_LOCAL,         451, 4, 3, 5,  "no local delivery here")                  \
	X(NO_MAILBOX,       550, 5, 1, 3,  "address cannot name a mailbox")
#else
#define REPLIES_MAILBOX(X)
#endif

#define REPLIES(X)                                                                    \
	/* to clients */                                                              \
	X(SENDER_OK,        250, 2, 1, 0,  "sender ok")                               \
	X(RCPT_OK,          250, 2, 1, 5,  "recipient ok")                            \
	X(GO_AHEAD,         354, 0, 0, 0,  "end with <CRLF>.<CRLF>")                  \
	X(STOPPING,         421, 4, 3, 2,  "shutting down")                           \
	X(TIMEOUT,          421, 4, 4, 2,  "timeout, closing")                        \
	X(TOO_MANY,         421, 4, 7, 0,  "too many connections")                    \
	X(STORAGE_FAILED,   451, 4, 3, 0,  "storage failed")                          \
	X(QUEUE_FULL,       452, 4, 3, 1,  "queue is full")                           \
	X(RCPTS_FULL,       452, 4, 5, 3,  "too many recipients")                     \
	X(NO_USER,          550, 5, 1, 1,  "no such user here")                       \
	X(NO_DOMAIN,        550, 5, 1, 3,  "address without domain")                  \
	X(ALIAS_LOOP,       550, 5, 4, 6,  "alias loop")                              \
	X(BARE_CRLF,        550, 5, 6, 11, "bare CR or LF, use CRLF")                 \
	X(RELAY_DENIED,     550, 5, 7, 1,  "relaying denied")                         \
	X(TOO_BIG,          552, 5, 3, 4,  "message too big")                         \
	X(LOOP,             554, 5, 4, 6,  "mail loop: too many Received")             \
	/* in place of a next hop */                                                  \
	REPLIES_LOCAL(X)                                                              \
	X(EXPIRED,          450, 4, 4, 7,  "delivery time expired")                   \
	X(NO_ADDRESS,       450, 4, 4, 4,  "host has no address")                     \
	X(NO_MX_HOST,       450, 4, 4, 4,  "no usable MX host")                       \
	X(NO_CONNECTION,    451, 4, 3, 2,  "no connection is free")                   \
	X(UNREACHABLE,      451, 4, 4, 1,  "no host can be reached")                  \
	X(CONNECT_FAILED,   451, 4, 4, 1,  "cannot connect")                          \
	X(CONNECTION_LOST,  451, 4, 4, 2,  "connection lost")                         \
	X(NO_DNS,           451, 4, 4, 3,  "DNS is not answering")                    \
	X(NOT_FOUND,        550, 5, 1, 2,  "domain not found")                        \
	X(NO_ROUTE,         550, 5, 1, 2,  "domain without MX and address")            \
	X(DAMAGED,          554, 5, 3, 0,  "damaged in storage")                      \
	X(MX_LOOP,          554, 5, 4, 6,  "MX loops back to us")                     \
	X(NULL_MX,          556, 5, 1, 10, "domain takes no mail (null MX)")
/* clang-format on */

#define REPLIES_NAME(name, code, a, b, c, text) SAY_##name,
enum say { REPLIES(REPLIES_NAME) SAY_COUNT };

/* Lives for ever. */
const struct reply *say(enum say which);

#endif
