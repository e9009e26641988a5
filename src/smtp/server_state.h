/* SPDX-License-Identifier: BSD-2-Clause */
/* server_state - what a server session remembers; for server.c alone to touch. */
#ifndef PIPIT_SMTP_SERVER_STATE_H
#define PIPIT_SMTP_SERVER_STATE_H

#include "mail/address.h"
#include "pipit_limits.h"
#include "smtp/dot.h"
#include "smtp/line.h"

struct smtpd {
	uint8_t state;              /* where in the walk */
	uint8_t ask;                /* the open question, an enum smtpd_ask */
	uint8_t verdict;            /* on the body being read */
	uint8_t errors;             /* bad commands since the last accepted message */
	uint8_t idle_commands;      /* commands that led nowhere, since then */
	bool esmtp;                 /* EHLO was said */
	bool body_ended;            /* CRLF.CRLF was read */
	bool storage;               /* open: between 354 and the answer to ASK_COMMIT */
	bool stopping;              /* a 421 in text waits for the answer to ASK_COMMIT */
	uint16_t text_len, text_at; /* body in text, and how much of it was taken */
	uint16_t helo_len;
	struct line line;
	struct dot_decoder dot;
	struct buf replies;   /* not yet sent */
	struct address path;  /* of ASK_MAIL, ASK_RCPT; points into text */
	uint32_t size;        /* of ASK_MAIL */
	uint32_t body_octets; /* stored so far */
	uint32_t progress;
	uint8_t text[CONFIG_SMTP_LINE_MAX];   /* a command line, or a piece of body */
	uint8_t reply[CONFIG_SMTP_REPLY_BUF]; /* what replies fills */
	uint8_t helo[CONFIG_SMTP_HELO_MAX];
};

#endif
