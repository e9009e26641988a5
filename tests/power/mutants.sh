#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mutants.sh BUILD - breaks one rule of the queue at a time and says which part
# of the power tests notices.  Works on a copy; BUILD has pipit_config.h.
#
# The rules are those of the design study's mutation check (its numbers in
# brackets).  Ends with 1 when a mutant survives that is not expected to.
set -u
build=${1:?usage: mutants.sh BUILD}
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
survivors=0
spare=0

# mutant NAME FILE SED: a change that must change something, then all parts.
mutant() {
	name=$1 file=$2 change=$3
	rm -rf "$work/src" && cp -r "$top/src" "$work/src"
	sed -i "$change" "$work/src/queue/$file"
	if cmp -s "$top/src/queue/$file" "$work/src/queue/$file"; then
		echo "$name: the rule is not where it was"
		survivors=$((survivors + 1))
		return
	fi
	if ! cc -std=c11 -O1 -w -I"$top/tests/power/config" -I"$build" -I"$work/src" \
			-I"$top/src" -iquote "$top/port" -I"$top/tests" \
			-o "$work/power" "$top"/tests/power/*.c "$work"/src/queue/*.c \
			"$top/port/sim/nor.c" \
			"$top/src/base/crc32c.c" "$top/src/base/span.c" "$top/src/base/rng.c" \
			"$top/tests/harness/check.c"; then
		echo "$name: does not compile"
		survivors=$((survivors + 1))
		return
	fi
	for part in cuts file unstable recovery filling wrap bootloop faults launder flip rot; do
		if ! timeout 120 "$work/power" ci $part >"$work/out" 2>&1; then
			why=$(grep -m1 -E 'FAILED|nor:|check failed' "$work/out")
			echo "$name: caught by $part: $why"
			return
		fi
	done
	echo "$name: SURVIVED$([ $spare -eq 1 ] && echo ", as expected")"
	survivors=$((survivors + 1 - spare))
}

mutant "[1] a generation may come twice" media.c \
	's/\*gen = q->gen_next++;/*gen = q->gen_next > 40 ? q->gen_next - 3u : q->gen_next++;/'
mutant "[2] a newest sector without a MARK that counts is used" ring.c \
	's/return complete(n) || n->proof.*/return true;/;
		s/if (!complete(&n) \&\& ring_unsafe.*/if (0)/;
		s/r->newest.has_mark \&\& finished/finished/'
mutant "[3] unfinished copies of reclaim are not told from originals" mount.c \
	's/s->flags |= QUEUE_SLOT_DOUBLE;/;/'
mutant "[4a] checksums of records do not start with the generation" journal.c \
	's/crc32c(gen, span_make(b, len))/crc32c(0, span_make(b, len))/;
		s/crc32c(gen, span_make(to, len))/crc32c(0, span_make(to, len))/'
mutant "[5] appends after a torn tail" resume.c \
	's/q->journal_sealed = !tail_blank || torn;/q->journal_sealed = false;/'
mutant "[6] ids may come twice" mount.c \
	's/later(&m->id_max, r->mark.id_limit - 1u);/;/;
		s/m->id_max = m->ring.newest.mark.id_limit - 1u;/m->id_max = 0;/;
		s/later(&m->id_max, r->id);/;/'
mutant "[7] a free sector is not erased again" media.c \
	's/^\tif (q->erasing == QUEUE_NONE) {/\tfor (done = 0; done < q->layout.sectors;'\
' done++)\n\t\tif (q->sector[done].kind == QUEUE_SECTOR_FREE) {\n\t\t\tq->sector[done].ki'\
'nd = QUEUE_SECTOR_READY;\n\t\t\tq->ready_count++;\n\t\t}\n&/'
mutant "[8] the MARK comes before the copies" journal.c \
	's/^\tif (st == ST_OK \&\& full)$/\tjournal_mark(q, \&r, 0);\n\tif (st == '\
'ST_OK)\n\t\tst = record_write(q, to, \&r);\n&/'
mutant "[9] the victim is free before its copies are whole" reclaim.c \
	's/if (q->victim_extent >= q->sector\[victim\].extents) {/if (q->victim_extent + '\
'1 >= q->sector[victim].extents) {/'
mutant "[10] COMMIT before the last extent" queue.c \
	's/heap_flush(q, (uint16_t)writer, true);/heap_flush(q, (uint16_t)writer, false);/'
mutant "[11] reclaim makes damage look right" reclaim.c \
	's/damaged = heap_check(q, e) != ST_OK;/damaged = false;/'
mutant "[12] no reserve" layout.h \
	's/#define LAYOUT_RESERVE 2u/#define LAYOUT_RESERVE 0u/'
mutant "a sector is used again before its sync" media.c \
	's/(kind == QUEUE_SECTOR_FREE \&\& serial_after(s->gen, q->synced))/(false)/'
mutant "the last batch is believed without reading it" mount.c \
	's/(!whole || !intact(q, s->id))/!whole/'
mutant "the last record is not written again" resume.c \
	's/st = strengthen(q, last);/st = ST_OK;/'
mutant "the tail is written where power may have failed" resume.c \
	's/^\t\tq->after_gap = true;/\t\t;/'
mutant "outcomes are carried whether or not they are the last" journal.c \
	's/if (rcpt == NULL || r->outcome.state >> 3 != index_rcpt_serial(rcpt)/if (rcp'\
't == NULL || false/;
		s/r->outcome.attempts != rcpt->attempts/false/;
		s/r->outcome.next_try_s != rcpt->next_try_s/false/;
		s/r->outcome.state = rcpt->state;/;/'
mutant "one header a sector" media.c \
	's/copy < 2u/copy < 1u/'
mutant "programs are not read back" media.c \
	's/(CONFIG_QUEUE_VERIFY \&\& /(0 \&\& /'
# Rules that others back up.  A stale descriptor names a message that is gone
# (ids never come twice), or an extent whose checksum has the old generation.  A
# rotten only MARK is followed by that of the next mount, or proven by later
# batches: the second one saves an alarm.  Extents have checksums of their own.
spare=1
mutant "[4b] checksums of descriptors do not start with the generation" heap.c \
	's/crc32c(q->sector\[sector\].gen, span_make(d, 20))/crc32c(0, span_make(d, 20))/;
		s/crc32c(s->gen, span_make(d, 20))/crc32c(0, span_make(d, 20))/'
mutant "one MARK a sector" layout.h \
	's/return layout_sector_size(l) >= 1024u ? 2u : 1u;/return 1u;/'
mutant "the message checksum is not compared" queue.c \
	's/return s->crc == v->total ? ST_OK : verify_failed(q, v, ST_CORRUPT);/return ST_OK;/'

echo "mutants: $survivors survived that should not"
[ "$survivors" -eq 0 ]
