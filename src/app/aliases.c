/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/aliases.h"

enum status aliases_read(struct core *c, struct conf *conf, struct conf_errors *errors)
{
	const struct blob *blob = &c->world->blob;
	struct span name = conf_span(conf, conf->aliases_file);
	uint8_t piece[128];
	struct buf line;
	uint32_t offset = 0, number = 0, line_number = 1;
	bool at_start = true;
	int n, i;

	buf_init(&line, c->scratch, sizeof(c->scratch));
	while ((n = blob->read(blob->ctx, name, offset, piece, sizeof(piece))) > 0) {
		for (i = 0; i < n; i++) {
			if (at_start && piece[i] != ' ' && piece[i] != '\t') {
				if (line.len > 0 || line.overflow)
					(void)conf_alias_line(conf, buf_span(&line), line_number,
						errors);
				buf_clear(&line);
				line_number = number + 1;
			}
			at_start = piece[i] == '\n';
			number += at_start;
			if (piece[i] != '\n' && piece[i] != '\r')
				buf_put_byte(&line, piece[i]);
		}
		offset += (uint32_t)n;
	}
	if (line.len > 0)
		(void)conf_alias_line(conf, buf_span(&line), line_number, errors);
	(void)conf_alias_finish(conf, errors);
	return n < 0 ? (enum status)n : ST_OK;
}
