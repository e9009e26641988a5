#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Breaks one rule at a time and says whether its fuzzer notices.

  mutants.py SECONDS [FUZZER...]

Works on a copy of the tree, as `make fuzz` left it, and begins with the inputs that
were found.  Exit 1 when a mutant survives.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = "build/linux-fuzz"
FOUND = re.compile(r"must be:.*|check failed|runtime error:.*|ERROR: (?:Addr|libF).*")

# (fuzzer, what is broken, file of src/, what stands there, what is put there)
MUTANTS = [
    ("dot", "dots are not doubled", "smtp/dot.c", "buf_put_byte(out, '.');", ";"),
    ("dot", "a bare CR is no fault", "smtp/dot.c", "if (lone)\n\t\tbare(d, out);", ""),
    ("line", "what is behind a bare LF is a line", "smtp/line.c", "l->skip = true;", "l->done = true;"),
    ("smtpd", "a bare CR or LF is not refused", "smtp/server.c", "if (s->dot.broken)", "if (0)"),
    ("smtpd", "a skipped line hides what follows", "smtp/line.c", "return line_end(l);\n\t\t} else",
     "result = line_end(l);\n\t\t} else"),
    ("smtpc", "a refused RCPT is counted twice", "smtp/client.c", "s->rcpts_replied++;",
     "s->rcpts_replied = (uint16_t)(s->rcpts_replied + 1 + (class == 5));"),
    ("smtpc", "a command without its CR", "smtp/client.c", '"RSET", SPAN_EMPTY, "\\r\\n"', '"RSET", SPAN_EMPTY, "\\n"'),
    ("address", "any octet in a quoted string", "mail/address.c", "n < s.len && printable_byte(s.at[n]); n++", "n < s.len; n++"),
    ("address", "the length is not bounded", "mail/address.c", " || s.len > ADDRESS_MAX)", ")"),
    ("header", "a tab does not fold", "mail/header.c", "h->state == ENDED && c != ' ' && c != '\\t'",
     "h->state == ENDED && c != ' '"),
    ("header", "the body is read as a header", "mail/header.c", "\t\th->in_body = true;\n\t\treturn BODY;\n\t}\n\tif (c == ':'",
     "\t\treturn PASS;\n\t}\n\tif (c == ':'"),
    ("reply", "an enhanced code of another class is taken", "mail/reply.c", "enhanced[0] == code / 100u)", "1)"),
    ("reply", "octets are not made printable", "mail/reply.c", "if (!printable_byte(c))", "if (0)"),
    ("envelope", "a text may hold a line end", "mail/envelope.c", "printable_put(b, span_sub", "buf_put(b, span_sub"),
    ("dsn", "what a server said is copied as it is", "mail/dsn.c", "printable_put(b, span_sub(r->text", "buf_put(b, span_sub(r->text"),
    ("ip", "a leading zero is taken", "base/ip.c", " || (n > 1 && s.at[0] == '0')", ""),
    ("ip", "the last of equal runs of zeros", "base/ip6.c", "if (n > best_len)", "if (n >= best_len)"),
    ("dns", "any octet is a host's", "dns/message.c", "if (!is_host_octet(label.at[i]))", "if (0)"),
    ("dns", "a record may run past the end", "dns/message.c", "if (w->data_len > r->bytes.len - w->data_at)", "if (0)"),
    ("resolver", "the id is not compared", "dns/message.c", "if (load_be16(r->bytes.at) != q->id)", "if (0)"),
    ("resolver", "a cache entry stays pinned", "dns/resolver.c", "r->cache.entry[q->entry].pins--;", ";"),
    ("conf", "a carriage return counts", "conf/parse.c", "line->at[line->len - 1] == '\\r'", "line->at[line->len - 1] == 11"),
    ("aliases", "a command is a target", "conf/aliases.c", "return c != '|' && c != '/'", "return c != '/'"),
    ("route", "a slash may stand in a path", "route/path.c", "s.at[i] == '/' || ", ""),
    ("route", "a result may come twice", "route/expand.c", "if (!same_mailbox(w->c, &other, &a))", "if (1)"),
    ("schedule", "what waits longest goes last", "route/schedule.c", "return a->due_s < b->due_s;", "return a->due_s > b->due_s;"),
    ("schedule", "a hop has no limit", "route/schedule.c", "return h != NULL && h->active <", "return h != NULL || h->active <"),
    ("incoming", "anybody may relay", "app/accept.c", "&& !a->local_client &&", "&& 0 &&"),
    ("incoming", "what was not taken at once is lost", "app/conn.c", "c->rx_len = (uint16_t)(c->rx_len - n);", "c->rx_len = 0;"),
    ("incoming", "a recipient too few", "app/storing.c", ".rcpt_count = in->rcpt_count,", ".rcpt_count = 1,"),
    ("outgoing", "any reply counts as delivered", "app/outcome.c", "if (code / 100u == 2)\n\t\treturn QUEUE_DELIVERED;",
     "if (code / 100u != 5)\n\t\treturn QUEUE_DELIVERED;"),
    ("outgoing", "a body's dots are not doubled", "smtp/dot.c", "if (e->line_start && c == '.')", "if (0)"),
    ("control", "an escape reaches the terminal", "app/row.c", "value.at[i] < ' ' || value.at[i] > '~') {", "0) {"),
    ("rot", "extents are not checked", "queue/heap.c", "return crc == e->crc ? ST_OK : ST_CORRUPT;", "return ST_OK;"),
    ("rot", "mount forgets what was durable", "queue/mount.c", "q->batch - m->ring.unsafe;", "q->batch - 2u;"),
    ("image", "a state that is none is taken", "queue/journal.c", " || (body[2] & 7u) > QUEUE_REPORTED", ""),
    ("image", "an extent may end behind its sector", "queue/heap.c", "e->pos + e->len <= q->layout.sector_size;", "true;"),
]


def copy(work):
    for name in ("Makefile", "Kconfig", "src", "port", "boards", "tests", BUILD):
        there = os.path.join(work, name)
        os.makedirs(os.path.dirname(there), exist_ok=True)
        subprocess.run(["cp", "-a", os.path.join(TOP, name), there], check=True)


def fuzz(work, fuzzer, seconds):
    """What the fuzzer found, or None."""
    program = os.path.join(BUILD, "tests/fuzz/fuzz_" + fuzzer)
    made = subprocess.run(["make", "-s", "SANITIZE=fuzz", "SETUP=0", "CFLAGS=-w", program], cwd=work,
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit("does not compile:\n" + made.stderr)
    found = os.path.join(work, "found")
    os.makedirs(found)
    done = subprocess.run([program, "-max_total_time=%d" % seconds, "-max_len=16449",
                           "-artifact_prefix=%s/" % work, found, TOP + "/build/fuzz/corpus/" + fuzzer,
                           TOP + "/build/fuzz/seeds/" + fuzzer], cwd=work, capture_output=True, timeout=seconds + 300,
                          check=False)
    shutil.rmtree(found)
    if done.returncode == 0:
        return None
    why = FOUND.search(done.stderr.decode("utf-8", "replace"))
    if not why:
        sys.exit("the fuzzer did not run:\n" + done.stderr.decode("utf-8", "replace")[-500:])
    return why.group(0)


def main(seconds, names):
    survived = 0
    with tempfile.TemporaryDirectory() as work:
        copy(work)
        for fuzzer, what, name, old, new in MUTANTS:
            if names and fuzzer not in names:
                continue
            path = os.path.join(work, "src", name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if text.count(old) != 1:
                sys.exit("%s: %s: the rule is not where it was" % (fuzzer, what))
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))
            why = fuzz(work, fuzzer, seconds)
            survived += why is None
            print("%s: %s: %s" % (fuzzer, what, "caught: " + why if why else "SURVIVED"), flush=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    print("mutants: %d survived" % survived)
    return 1 if survived else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
