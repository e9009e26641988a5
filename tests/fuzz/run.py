#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every fuzzer that make has built, each for a while, and counts.

  run.py BUILD SECONDS [NAME...]

Inputs are kept in build/fuzz/corpus/NAME, so that the next run goes on where this one
ended; crashes in build/fuzz/crash/, logs in build/fuzz/log/.  Before the time begins
every input that is there is run once.  Exit 1 if anything crashed.
"""
import glob
import os
import re
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import seeds

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = "build/fuzz"
LEN_MAX = 4096
IMAGE_LEN = 65 + 16384
GRACE_S = 120   # beyond its time: the corpus is read first
STATUS = re.compile(r"^#(\d+)\s+\w+\s+cov: (\d+) ft: \d+ corp: (\d+)/", re.M)
SANITIZER = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=1",
             "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
# What is worth trying, by fuzzer; the others find their words by themselves.
DICTIONARY = {"smtpd": "smtp", "smtpc": "smtp", "incoming": "smtp", "outgoing": "smtp", "reply": "smtp",
              "address": "smtp", "header": "header", "conf": "conf", "route": "conf", "aliases": "conf",
              "control": "control"}


class Fuzzer:
    def __init__(self, build, path, seconds):
        self.name = os.path.basename(path)[len("fuzz_"):]
        self.seconds = seconds
        self.log = os.path.join(TOP, "log", self.name + ".log")
        self.corpus = os.path.join(TOP, "corpus", self.name)
        self.crashes = os.path.join(TOP, "crash", self.name + "-")
        self.command = [path, "-max_total_time=%d" % seconds, "-max_len=%d" % (IMAGE_LEN if self.name == "image" else LEN_MAX), "-timeout=20",
                        "-rss_limit_mb=2048", "-print_final_stats=1", "-artifact_prefix=" + self.crashes]
        words = DICTIONARY.get(self.name)
        if words:
            self.command.append("-dict=" + os.path.join(HERE, words + ".dict"))
        self.command += [self.corpus, os.path.join(TOP, "seeds", self.name)]
        self.failed = False
        self.why = ""

    def run(self):
        os.makedirs(self.corpus, exist_ok=True)
        os.makedirs(self.command[-1], exist_ok=True)
        with open(self.log, "wb") as log:
            try:
                status = subprocess.run(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=subprocess.STDOUT, env=dict(os.environ, **SANITIZER),
                                        timeout=self.seconds + GRACE_S, check=False).returncode
            except subprocess.TimeoutExpired:
                status = -9
        self.count(status)
        return self

    def count(self, status):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        done = re.findall(r"stat::number_of_executed_units: (\d+)", text)
        seen = STATUS.findall(text)
        self.executions = int(done[-1] if done else seen[-1][0] if seen else 0)
        self.edges, self.inputs = (int(n) for n in (seen[-1][1:] if seen else (0, 0)))
        found = [path for path in glob.glob(self.crashes + "*") if path in text]
        self.failed = status != 0 or bool(found) or self.executions == 0
        if self.failed:
            self.why = "\n".join(["status %d: %s" % (status, " ".join(found))] + [
                found for found in text.split("\n")
                if re.search(r"must be:|check failed|ERROR: |runtime error|^    #\d+ .*/(src|tests)/", found)][:20])

    def say(self):
        print("%-10s %11d %8d %8d %8s" % (self.name, self.executions, self.edges, self.inputs,
                                          "FAILED" if self.failed else "none"), flush=True)
        if self.failed:
            print("  " + self.why.replace("\n", "\n  "), flush=True)


def main(build, seconds, names):
    paths = [path for path in sorted(glob.glob(build + "/tests/fuzz/fuzz_*"))
             if not os.path.splitext(path)[1] and
             os.path.exists("tests/fuzz/%s.c" % os.path.basename(path))]
    fuzzers = [f for f in (Fuzzer(build, path, seconds) for path in paths) if not names or f.name in names]
    if not fuzzers:
        sys.exit("run.py: no such fuzzer")
    for folder in ("log", "crash", "corpus"):
        os.makedirs(os.path.join(TOP, folder), exist_ok=True)
    shutil.rmtree(os.path.join(TOP, "seeds"), ignore_errors=True)
    seeds.main(os.path.join(TOP, "seeds"))
    print("%-10s %11s %8s %8s %8s" % ("fuzzer", "executions", "edges", "inputs", "crashes"))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        done = []
        for fuzzer in pool.map(Fuzzer.run, fuzzers):
            fuzzer.say()
            done.append(fuzzer)
    failed = sum(f.failed for f in done)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%d executions in %d seconds of processor time" % (
        sum(f.executions for f in done), used.ru_utime + used.ru_stime))
    print("fuzz: %d passed, %d failed" % (len(done) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
