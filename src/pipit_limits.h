/* SPDX-License-Identifier: BSD-2-Clause */
/* pipit_limits - every compile-time bound that is not a number of Kconfig.
 *
 * Each with its reason and its relations; Kconfig says how much, this says how
 * far.  What grows with a board is a Kconfig symbol of its room.
 */
#ifndef PIPIT_LIMITS_H
#define PIPIT_LIMITS_H

#include "pipit_config.h"

#define PIPIT_VERSION "0.1"

/* ---- mail: RFC 5321 4.5.3.1 -------------------------------------------------- */

#define LOCAL_PART_MAX 64u                             /* 4.5.3.1.1 */
#define DOMAIN_MAX 255u                                /* 4.5.3.1.2 */
#define ADDRESS_MAX (LOCAL_PART_MAX + 1u + DOMAIN_MAX) /* local-part "@" domain */

/* Trace fields that end a loop: RFC 5321 6.3 asks for at least 100 hops of
 * tolerance or a good reason; a device's mail makes five, and a loop on flash
 * costs erases. */
#define RECEIVED_MAX 50u

/* ---- smtp ---------------------------------------------------------------------- */

/* A reply line is at most 512 octets with its end (RFC 5321 4.5.3.1.5). */
#define REPLY_LINE_MAX 512u

/* The text of one reply of ours: with code and enhanced code far below
 * REPLY_LINE_MAX, so that a session's reply buffer holds several. */
#define REPLY_TEXT_PUT_MAX 200u

/* What we still read of a peer that ignores REPLY_LINE_MAX, and how many lines:
 * beyond this it is not a mail server but somebody who keeps us busy. */
#define REPLY_READ_LINE_MAX 4096u
#define REPLY_READ_LINES_MAX 1000u

/* The longest reply of a server session, EHLO's: a host name and the extensions.
 * A session takes no command while its buffer has less room. */
#define SMTPD_REPLY_MAX (DOMAIN_MAX + 128u)

/* NOOP, RSET, VRFY and the like between two messages: a client that only
 * keeps its session open gives it to somebody else. */
#define SMTPD_IDLE_COMMANDS_MAX 100u

/* RFC 5322 2.1.1; lines of legacy devices are folded to this. */
#define BODY_LINE_MAX 998u

/* ---- app: the control line ------------------------------------------------------ */

/* A request: a word and an address at most. */
#define CONTROL_LINE_MAX 320u

/* A row: an address, a reply's text and the keys around them; with octets that
 * need escaping it may be cut. */
#define CONTROL_ROW_MAX 640u
_Static_assert(!CONFIG_CONTROL_LINE || CONFIG_CONTROL_OUT > CONTROL_ROW_MAX,
	"CONTROL_OUT must hold one row: make it larger");

/* ---- queue --------------------------------------------------------------------- */

/* ---- dns ----------------------------------------------------------------------- */

/* A name as text: 255 octets on the wire (RFC 1035 2.3.4) without the first
 * length and the root. */
#define DNS_NAME_MAX 253u

/* Header, longest question, OPT record: what a query can be at most. */
#define DNS_QUERY_MAX (12u + 255u + 4u + 11u)

/* Servers compress a name with one pointer, seldom with a few; without a bound
 * a chain of pointers in a big message costs work for nothing. */
#define DNS_POINTERS_MAX 32u

/* CNAMEs followed for one question (real chains have up to four or five). */
#define DNS_CNAMES_MAX 8u

/* Datagrams looked at for one question in one step: a flood of forgeries must
 * not keep the loop from its other work. */
#define DNS_DATAGRAMS_PER_STEP 8u

/* What is offered by EDNS0 at most: unfragmented on every usual path. */
#define DNS_EDNS_SIZE_MAX 1232u

/* Bounds of what answers live in the cache.  5 s so that the deliveries of one
 * burst share an answer whatever its TTL, an hour so that a domain that
 * gets its mail going again is not refused for longer. */
#define DNS_TTL_MIN_S 5u
#define DNS_TTL_MAX_S 86400u
#define DNS_NEGATIVE_TTL_MAX_S 3600u

/* ---- conf and route ------------------------------------------------------------ */

/* A line of the configuration or of an aliases file; longer is an error, not cut. */
#define CONF_LINE_MAX 1024u

/* A word of a line without its quotes: an address, or a path as long as people write them. */
#define CONF_WORD_MAX 400u
_Static_assert(CONF_WORD_MAX > ADDRESS_MAX, "an address is one word");

/* One error's sentence; values in it are cut to fit. */
#define CONF_MESSAGE_MAX 192u

/* Aliases of aliases: deeper is taken for a loop (RFC 5321 3.9 leaves the bound to us). */
#define ALIAS_DEPTH_MAX 10u

#endif
