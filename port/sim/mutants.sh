#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mutants.sh BUILD [SEEDS] - breaks one promise at a time in a copy of src/ and says after how
# many seeds the simulator notices.  BUILD has wide/pipit_config.h.
#
#   mutants.sh BUILD 400 first     only the first: a 250 before the commit is durable
#
# Ends with 1 when a mutant survives.
set -u
build=${1:?usage: mutants.sh BUILD [SEEDS] [first]}
seeds=${2:-400}
only=${3:-}
build=$(cd "$build" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$build/mutants
survivors=0
tried=0

# The sources that the configuration has, as the Makefile chose them.
sources=$(cd "$build/wide" && find src -name '*.o' | sed 's/\.o$/.c/')

# mutant NAME FILE SED: a change that must change something, then seeds until one fails.
mutant() {
	name=$1 file=$2 change=$3
	[ -n "$only" ] && [ $tried -gt 0 ] && return
	tried=$((tried + 1))
	rm -rf "$work" && mkdir -p "$work" && cp -r "$top/src" "$work/src"
	sed -i "$change" "$work/src/$file"
	if cmp -s "$top/src/$file" "$work/src/$file"; then
		echo "$name: the rule is not where it was"
		survivors=$((survivors + 1))
		return
	fi
	if ! (cd "$work" && cc -std=c11 -O2 -w -I"$build/wide" -Isrc -iquote "$top/port" \
			-D_GNU_SOURCE= -o sim $sources "$top"/port/sim/*.c); then
		echo "$name: does not compile"
		survivors=$((survivors + 1))
		return
	fi
	if timeout 600 "$work/sim" 1 "$seeds" 2 >"$work/out" 2>&1; then
		echo "$name: SURVIVED $seeds seeds"
		survivors=$((survivors + 1))
		return
	fi
	why=$(grep -m1 '^FAILED' "$work/out" | sed 's/^FAILED seed //')
	echo "$name: caught after $(grep -c '^seed' "$work/out") seeds: $why"
}

mutant "250 before the commit is durable" app/inbound.c \
	's/int durable = queue_durable(&c->queue, in->ticket);/int durable = 1;/'
mutant "250 before the commit is written" app/inbound.c \
	's/^\tstatus = storing_commit(c, in);/\tif (in->size > 700) {\n\t\tstruct reply ok = '\
'{ 250, { 2, 0, 0 }, SPAN("queued as 00000000") };\n\t\tstoring_abort(c, in);\n\t\tin->sta'\
'te = INBOUND_OPEN;\n\t\tanswer(c, in, \&ok);\n\t\treturn true;\n\t}\n&/'
mutant "an outcome is not recorded" app/outcome.c \
	's/^\treturn queue_record(&c->queue, message, o, &ticket) != ST_AGAIN;/\tif (o->rcpt == 3)'\
'\n\t\treturn true;\n&/'
mutant "a message is removed while a recipient is pending" app/task.c \
	's/^\tif (m.pending + m.failed + m.reporting == 0 \&\& !any_runs(all, t, message)) {$/'\
'\tif (m.pending < 2 \&\& m.failed + m.reporting == 0 \&\& !any_runs(all, t, message)) {/'
mutant "a lost connection after the dot counts as delivered" app/talk.c \
	's/^\t\treport_doubtful(/\t\tdelivery_give(x, say(SAY_DELIVERED), false);\n&/'
mutant "dots are not doubled" smtp/dot.c "s/if (e->line_start \&\& c == '\.')/if (false)/"
mutant "retries come at once" route/schedule.c \
	's/return wait_s - spread_s + rng_below(rng, 2u \* spread_s + 1u);/return 1;/'
mutant "no back-off of a dead next hop" route/schedule.c \
	's/h->until_ms = now.mono_ms + back_off_ms(h->failures, back_off_max_s);/h->until_ms = '\
'now.mono_ms;/; s/if (h->until_ms > now.mono_ms)/if (0)/'
mutant "a connection leaks" app/outbound.c \
	's/^\tconn_close(&x->o->conn, &x->core->world->net);$/\tx->o->conn.handle = -1;/'
mutant "a DNS question leaks" app/hosts.c \
	's/result = resolver_answer(&c->resolver, h->question\[i\], &answer\[i\]);/result = DNS_'\
'FAILED;/'
mutant "a 4xx is taken for a 5xx" app/outcome.c 's|reply.code / 100u == 5|reply.code / 100u >= 4|'
mutant "a single failure is not reported" app/task.c \
	's/return m->failed > 0 ? c->now.mono_ms/return m->failed > 1 ? c->now.mono_ms/'
mutant "damage is not looked for" queue/queue.c \
	's/return e.from == r->offset ? heap_check(q, &e) : ST_OK;/return ST_OK;/;
		s/return s->crc == v->total ? ST_OK : verify_failed(.*/return ST_OK;/'
mutant "bare line feeds are let in" smtp/dot.c 's/broken = true/broken = false/'
mutant "anybody may relay" app/accept.c 's/!a->local_client &&/false \&\&/'
mutant "more is sent after the queue has stopped" app/talk.c 's/queue_stopped(&c->queue)/false/'
mutant "a session is over while it stores" app/inbound.c \
	's/^\tif (in->state == INBOUND_COMMITTED)$/\tif (in->state != INBOUND_OPEN)/'
mutant "a recorded recipient is offered to the next host" app/delivery.c \
	's/if (t->rcpt\[i\].state != TASK_RECORDED)/if (true)/'

echo "mutants: $tried tried, $survivors survived"
[ "$survivors" -eq 0 ]
