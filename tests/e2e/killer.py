#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Kills the daemon (SIGKILL) at random under load, again and again, and counts what became of the mail.

	killer.py [--kills N] [--seed N] [--folder PATH] [--senders N]

What must hold at the end: every message that was answered 250 has arrived, octet by octet;
nothing arrived that was not submitted; and one that arrived twice did so within SMTP's own
window: it was delivered, and before that could reach the disk there came a kill.
Also a module: run(...) for the tests.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pipit import Pipit                             # noqa: E402
from sink import Sink, Wait                         # noqa: E402
from smtp import Closed, Smtp, stuff                # noqa: E402

# A delivery's record is on disk so long after the next hop's reply at the latest.  Beyond this, a second
# copy is not SMTP's window but our neglect.
WINDOW_S = 2.0

# A next hop under load takes a message from its buffers so long after the sender died at the latest.
LAG_S = 2.0


def make_message(n):
    """The same octets for the same number, without keeping them."""
    rng = random.Random(n)
    lines = []
    for _ in range(rng.choice((1, 3, 20, 200, 600))):
        lines.append(rng.choice(("", ".", "..", "plain text", "x" * rng.randrange(200), ". dot first")))
    body = "\r\n".join(lines) + "\r\n"
    return (f"From: load@client.test\r\nTo: x@y.test\r\nSubject: {n}\r\nDate: Tue, 24 Nov 2026 20:00:00 +0000\r\n"
            f"Message-ID: <{n}@client.test>\r\nX-Serial: {n}\r\n\r\n{body}").encode()


class Load:
    def __init__(self, port, senders, seed):
        self.port, self.seed = port, seed
        self.lock = threading.Lock()
        self.next = 0
        self.accepted, self.unknown, self.refused, self.lost = {}, set(), 0, 0
        self.stopping = False
        self.threads = [threading.Thread(target=self._sender, args=(i,), daemon=True) for i in range(senders)]
        for t in self.threads:
            t.start()

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join(30)

    def _take(self):
        with self.lock:
            self.next += 1
            return self.next

    def _sender(self, i):
        rng = random.Random(f"{self.seed} {i}")
        while not self.stopping:
            try:
                with Smtp(self.port, timeout_s=20, helo="load.test") as c:
                    for _ in range(rng.randrange(1, 8)):
                        self._one(c, rng)
                        if self.stopping:
                            return
            except (OSError, Closed, AssertionError):
                time.sleep(0.01)

    def _one(self, c, rng):
        n = self._take()
        to = f"sink{n % 7}@there.test" if n % 2 else f"box{n % 8}@here.test"
        c.send(f"MAIL FROM:<load@client.test>\r\nRCPT TO:<{to}>\r\nDATA\r\n")
        replies = c.replies(3)
        if [r.code for r in replies] != [250, 250, 354]:
            self.refused += 1
            c.cmd("RSET")
            time.sleep(0.02)
            return
        wire = stuff(make_message(n))
        at = rng.randrange(len(wire))
        c.send(wire[:at])
        with self.lock:
            self.unknown.add(n)   # from here on it may be taken without our hearing so
        c.send(wire[at:])
        r = c.reply()
        with self.lock:
            self.unknown.discard(n)
            if r == 250:
                self.accepted[n] = time.time()
            else:
                self.refused += 1


def serial(content):
    m = re.search(rb"^X-Serial: (\d+)\r?$", content[:4000], re.M)
    return int(m[1]) if m else None


class Outcome:
    def __init__(self):
        self.problems = []
        self.kills = self.accepted = self.unknown = self.refused = self.duplicates = self.delivered = 0

    def __str__(self):
        return (f"kills={self.kills} accepted={self.accepted} delivered={self.delivered} duplicates={self.duplicates} "
                f"no_reply={self.unknown} refused={self.refused} problems={len(self.problems)}")


def deliveries(sink, pipit, problems):
    """{number: [(wall time of arrival, whether the daemon lived to hear of it)]}"""
    found = {}

    def take(content, when, crlf, where, heard):
        n = serial(content)
        if n is None:
            problems.append(f"{where}: a message that nobody sent: {content[:200]!r}")
            return
        wanted = make_message(n)
        if not content.endswith(wanted if crlf else wanted.replace(b"\r\n", b"\n")):
            problems.append(f"{where}: message {n} is not what was sent")
        found.setdefault(n, []).append((when, heard))
    for t in list(sink.transactions):
        take(t.data, t.wall, True, "next hop", t.followed)
    for user in os.listdir(pipit.maildirs) if os.path.isdir(pipit.maildirs) else []:
        folder = os.path.join(pipit.maildirs, user, "new")
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                take(f.read(), os.stat(path).st_mtime, False, path, False)
    return found


def run(folder, kills=50, seed=1, senders=6, progress=None, lines=""):
    rng = random.Random(seed)
    result = Outcome()
    when = []
    with Sink({"dot": lambda s, raw: Wait(rng.choice((0, 0, 0, 0.02)), "250 2.0.0 taken"),
               "rcpt": lambda s, line: "450 4.2.0 not now" if rng.random() < 0.03 else "250 ok"}) as sink:
        p = Pipit(folder, f"route there.test 127.0.0.1:{sink.port} tls=none\nqueue queue 16M\nlog warning\n{lines}")
        p.start()
        load = Load(p.port, senders, seed)
        try:
            for n in range(kills):
                time.sleep(rng.choice((0.02, 0.1, 0.2, 0.4)) * rng.random() + 0.02)
                if not p.alive():
                    result.problems.append(f"ended by itself before kill {n}:\n{p.log_tail()}")
                    break
                when.append(time.time())
                p.kill()
                result.kills += 1
                p.start()
                if progress:
                    progress(n, load)
            load.stop()
            p.control("retry all")
            p.wait_empty(90)
        except AssertionError as e:
            result.problems.append(str(e))
        finally:
            load.stop()
        found = deliveries(sink, p, result.problems)
        p.stop(must=False)
    judge(result, load, found, when)
    return result


def judge(result, load, found, kills):
    result.accepted, result.unknown, result.refused = len(load.accepted), len(load.unknown), load.refused
    result.delivered = len(found)
    for n in sorted(set(load.accepted) - set(found)):
        result.problems.append(f"message {n} was accepted and is lost")
    for n in sorted(set(found) - set(load.accepted) - load.unknown):
        result.problems.append(f"message {n} was never finished by its sender and arrived")
    for n, times in found.items():
        times.sort()
        for (first, heard), (second, _) in zip(times, times[1:]):
            result.duplicates += 1
            between = [k for k in kills if first - (0 if heard else LAG_S) <= k <= second]
            if not between:
                result.problems.append(f"message {n} arrived twice, {second - first:.2f} s apart, without a kill between")
            elif between[0] - first > WINDOW_S:
                result.problems.append(f"message {n} arrived again although it was done {between[0] - first:.2f} s before the kill")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--kills", type=int, default=int(os.environ.get("PIPIT_KILLS", "50")))
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments.add_argument("--senders", type=int, default=6)
    arguments.add_argument("--folder")
    a = arguments.parse_args()
    folder = a.folder or tempfile.mkdtemp(prefix="pipit-killer-")
    os.chmod(folder, 0o755)
    print(f"killer: {a.kills} kills, seed {a.seed}, in {folder}", flush=True)

    def progress(n, load):
        if (n + 1) % 25 == 0:
            print(f"  {n + 1} kills, {len(load.accepted)} accepted", flush=True)
    began = time.monotonic()
    result = run(folder, a.kills, a.seed, a.senders, progress)
    print(f"killer: {result} seconds={time.monotonic() - began:.0f}")
    for problem in result.problems[:20]:
        print(f"  {problem}")
    sys.exit(1 if result.problems or result.kills < a.kills else 0)


if __name__ == "__main__":
    main()
