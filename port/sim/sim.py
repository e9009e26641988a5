#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the simulator: one seed told as a story, or many side by side.

  sim.py BUILD SEED          the story of one seed
  sim.py BUILD SEED RUNS     seeds SEED .. SEED + RUNS - 1, then the figures
  sim.py BUILD SEED shrink   the smallest command that still fails in the same way

BUILD has small/sim and wide/sim: the same simulator for two configurations.
Even seeds are run by the first, odd ones by the second.  A failure prints what
repeats it; with several the first ten are shown, and the first is reduced.
"""
import collections
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

CONFIGURATIONS = ("small", "wide")
CHUNK = 50          # seeds of one process
SHOWN = 10          # failures
CHUNK_SECONDS = 900
FAILED = re.compile(r"^FAILED seed (\d+)(?: at \S+ \S+)?\s+(.*)$|^FAILED seed (\d+): (.*)$", re.M)


def program(build, seed):
    return os.path.join(build, CONFIGURATIONS[seed % 2], "sim")


def run(command, timeout_s=CHUNK_SECONDS):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return "FAILED: no end after %d s\n" % timeout_s
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0 and "FAILED" not in text:
        text += "FAILED: exit code %d\n" % done.returncode
    return text


# ---- One seed ----------------------------------------------------------------------------

def story(build, seed):
    text = run([program(build, seed), "--story", str(seed), "1", "1"])
    lines = text.split("\n")
    print("\n".join(line for line in lines if not re.match(r"(seed|figure|fault|most) ", line)))
    return 1 if "FAILED" in text else 0


def reason(text):
    """What broke, without the numbers that differ from run to run."""
    line = next((row for row in text.split("\n") if row.startswith("FAILED")), None)
    if line is None:
        return None
    return re.sub(r"\d+", "N", re.sub(r"^FAILED seed \d+( at \S+ \S+)?:? *", "", line))


def shrink(build, seed):
    """Takes away fault kinds, then Pipits, clients, time and messages, while it still fails."""
    base = [program(build, seed)]
    tail = [str(seed), "1", "1"]
    wanted = reason(run(base + tail))
    if wanted is None:
        print("seed %d does not fail" % seed)
        return 1
    options = []
    faults = re.findall(r"^fault (\S+) ", run(base + ["1", "0", "1"]), re.M)

    def fails(more):
        return reason(run(base + options + more + tail)) == wanted

    # Halves first: most kinds have nothing to do with it.
    groups = [faults]
    while groups:
        group = groups.pop(0)
        more = [word for name in group for word in ("--off", name)]
        if fails(more):
            options += more
        elif len(group) > 1:
            groups += [group[:len(group) // 2], group[len(group) // 2:]]
    for name, values in (("--nodes", (1, 2)), ("--clients", (1, 2, 3)),
                         ("--hours", (1, 2, 4, 8, 16)), ("--messages", (1, 2, 3, 5, 8, 13, 21, 34))):
        for value in values:
            if fails([name, str(value)]):
                options += [name, str(value)]
                break
    print("%s: %s" % (wanted, " ".join(base + ["--story"] + options + tail)))
    return 0


# ---- Many -----------------------------------------------------------------------------------

class Sum:
    def __init__(self):
        self.figures, self.faults = collections.Counter(), collections.Counter()
        self.most = collections.Counter()
        self.failures = []

    def take(self, text):
        for kind, name, value in re.findall(r"^(figure|fault|most) (\S+) (\d+)$", text, re.M):
            if kind == "figure":
                self.figures[name] += int(value)
            elif kind == "fault":
                self.faults[name] += int(value)
            else:
                self.most[name] = max(self.most[name], int(value))


def chunk(build, first, count, total):
    """Every second seed from first on, in one process; behind a failure a new one goes on."""
    while count > 0:
        text = run([program(build, first), str(first), str(count), "2"])
        total.take(text)
        if "FAILED" not in text:
            return
        line = next(row for row in text.split("\n") if row.startswith("FAILED"))
        seen = re.findall(r"^seed (\d+)$", text, re.M)
        last = int(seen[-1]) if seen else first
        total.failures.append((last, line))
        count -= (last - first) // 2 + 1
        first = last + 2


def print_figures(total, took_s):
    f = total.figures
    hours = f["virtual_ms"] / 3600e3
    print("seeds %d: %.1f virtual years, %.0f s" % (f["seeds"], hours / 8766, took_s))
    print("messages: %d offered, %d accepted for %d recipients, %d refused" % (
        f["offered"], f["accepted"], f["recipients"], f["refused"]))
    print("recipients: %d delivered, %d bounced, %d whose sender could not be told, %d lost"
          " to rot that was told, %d to rot in silence; %d arrived once more" % (
              f["delivered"], f["bounced"], f["dropped"], f["rotten"], f["rotten_silently"],
              f["duplicates"]))
    print("%d power cuts, %d boots, %d connections, %d DNS questions, %d steps (at most %d calls"
          " in one)" % (f["cuts"], f["boots"], f["connections"], f["dns_queries"], f["steps"],
                        total.most["step_ops"]))
    print("faults: " + ", ".join("%s %d" % row for row in total.faults.items()))


def many(build, seed, runs):
    total, began = Sum(), time.monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        jobs = []
        for first in range(seed, seed + runs, 2 * CHUNK):
            end = min(first + 2 * CHUNK, seed + runs)
            for start in (first, first + 1):
                if start < end:
                    jobs.append(pool.submit(chunk, build, start, (end - start + 1) // 2, total))
        for job in jobs:
            job.result()
    print_figures(total, time.monotonic() - began)
    for number, line in sorted(total.failures)[:SHOWN]:
        print("%s\n    make sim SEED=%d" % (line, number))
    if total.failures:
        shrink(build, min(total.failures)[0])
    print("sim: %d of %d seeds kept every promise" % (total.figures["seeds"], runs))
    return 1 if total.failures else 0


def main(args):
    if len(args) not in (2, 3):
        sys.exit(__doc__)
    build, seed = args[0], int(args[1])
    if len(args) == 2:
        return story(build, seed)
    if args[2] == "shrink":
        return shrink(build, seed)
    return many(build, seed, int(args[2]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
