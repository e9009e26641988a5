#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every test program that make has built, and counts.

  run_tests.py PLAIN SANITIZED THREAD

The arguments are build folders.  Programs of tests/unit run plain and under
ASan+UBSan, as do those of tests/lwip and the dialogues, alone and in the simulator; those of tests/tsan
under TSan; the power cuts once, in their short form; the simulator with a
thousand seeds, and with a Pipit that answers too early, which it must notice;
tests/cmake is another build that takes Pipit as a component;
tests/e2e against the plain daemon, and most of it against the sanitized one too;
tests/boards against the firmware of each board, in QEMU.
Everything that was printed is in build/test/NAME.log; only what failed is shown.
The last line is the sum.
"""
import glob
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor

LOGS = "build/test"
LWIP = "build/lwip-desktop"   # tests/lwip is built for that board
# Not under ASan: it will not have a preloaded library before it (faults),
# hundreds of starts and measured rates take too long (restart, pressure).
PLAIN_ONLY = ["tests/e2e/test_%s.py" % name for name in ("faults", "restart", "pressure")]
SIDE_BY_SIDE = 4   # end-to-end tests wait more than they work
PEERS = re.compile(r"^(?:ran against|peers): (.+)$", re.M)
CLOSING = re.compile(r"^(?:[\w ]+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
CMOCKA = {"passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
          "failed": re.compile(r"^\[  FAILED  \] (\d+) test", re.M),
          "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test", re.M)}
SANITIZER = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
             "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
             "TSAN_OPTIONS": "halt_on_error=1"}


class Run:
    """One command, its counts, and what it said."""

    def __init__(self, name, command, timeout_s, environment=None):
        self.name, self.command, self.timeout_s = name, command, timeout_s
        self.environment = dict(os.environ, **SANITIZER, **(environment or {}))
        self.log = os.path.join(LOGS, name.replace("/", "-") + ".log")
        self.passed = self.failed = self.skipped = 0
        self.took_s = 0.0
        self.reasons = []

    def start(self):
        began = time.monotonic()
        with open(self.log, "wb") as log:
            try:
                status = subprocess.run(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=subprocess.STDOUT, env=self.environment,
                                        timeout=self.timeout_s, check=False).returncode
            except subprocess.TimeoutExpired:
                log.write(b"\nkilled after %d s\n" % self.timeout_s)
                status = -9
            except OSError as error:
                log.write(str(error).encode() + b"\n")
                status = 127
        self.took_s = time.monotonic() - began
        self.count(status)
        self.say()
        return self

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def count(self, status):
        text = self.output()
        closing = CLOSING.findall(text)
        if closing:
            self.passed, self.failed, self.skipped = (int(n or 0) for n in closing[-1])
        else:
            for key, pattern in CMOCKA.items():
                setattr(self, key, sum(int(n) for n in pattern.findall(text)))
        if "[==========]" not in text and not closing:
            self.passed = int(status == 0)   # a program that does not count is one test
        self.settle(status)

    def settle(self, status):
        """An exit code and counts that contradict each other are a failure."""
        if status != 0 and self.failed == 0:
            self.failed = 1
        if status == 0 and self.passed + self.failed + self.skipped == 0:
            self.failed = 1
            self.reasons.append("ran no test")

    def say(self):
        print("%-4s %-34s %4d passed%s%s  %.1f s" % (
            "FAIL" if self.failed else "ok", self.name, self.passed,
            ", %d failed" % self.failed if self.failed else "",
            ", %d skipped" % self.skipped if self.skipped else "", self.took_s), flush=True)
        for reason in self.reasons:
            print("       " + reason)
        if self.failed:
            print("       %s, its end:" % self.log)
            print("\n".join("       | " + line for line in self.output().split("\n")[-60:]),
                  flush=True)


class Pytest(Run):
    def __init__(self, name, build, ignored, timeout_s, folder="tests/e2e"):
        self.junit = os.path.join(LOGS, name.replace("/", "-") + ".xml")
        command = ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider",
                   "-n", str(SIDE_BY_SIDE), "--dist", "loadgroup", "--durations=5",
                   "--junitxml=" + self.junit, folder] + ["--ignore=" + path for path in ignored]
        environment = {"PIPIT": os.path.abspath(build + "/pipit"),
                       "PIPIT_BUILD": os.path.abspath(build)}
        if os.environ.get("CI"):
            environment["PIPIT_REQUIRE_PEERS"] = "1"
        super().__init__(name, command, timeout_s, environment)
        if os.path.exists(self.junit):
            os.remove(self.junit)

    def count(self, status):
        if os.path.exists(self.junit):
            for suite in xml.parse(self.junit).getroot().iter("testsuite"):
                total, bad, skipped = (int(suite.get(key, 0))
                                       for key in ("tests", "failures", "skipped"))
                bad += int(suite.get("errors", 0))
                self.passed += total - bad - skipped
                self.failed += bad
                self.skipped += skipped
                self.reasons += sorted({"skipped: " + (skip.get("message") or "no reason given")
                                        for skip in suite.iter("skipped")})
        self.settle(status)


def programs(build, folder):
    """Each tests/FOLDER/NAME.c that is a program, as built below `build`."""
    return [(os.path.basename(source)[:-2], os.path.join(build, source[:-2]))
            for source in sorted(glob.glob("tests/%s/*.c" % folder))
            if folder == "tsan" or os.path.basename(source).startswith("test_")]


def in_parallel(plain, sanitized, thread):
    runs = []
    if glob.glob("tests/power/*.c"):
        runs.append(Run("power", [plain + "/tests/power/power", "ci"], 400))
        runs.append(Run("power-fixed", [plain + "/tests/power/power-fixed", "ci",
                                        "format", "cuts", "file", "filling", "faults", "rot"], 400))
    if glob.glob("port/sim/*.c"):
        runs.append(Run("sim", ["/usr/bin/python3", "port/sim/sim.py", "build/sim", "1", "1000"],
                        900))
        runs.append(Run("sim-mutant", ["/usr/bin/python3", "tests/mutants/run.py", "sim/400",
                                       "before the commit is durable"], 600))
    runs.append(Run("cmake", ["tests/cmake/test.sh"], 300))
    for build, suffix in ((plain, ""), (sanitized, "-sanitized")):
        if glob.glob("tests/dialog/*.c"):
            runs.append(Run("dialog" + suffix, [build + "/tests/dialog/dialog"], 300))
            runs.append(Run("dialog-sim" + suffix, [build + "/tests/dialog/simulated"] +
                            (["10"] if suffix else []), 300))
        runs += [Run("unit%s/%s" % (suffix, name), [path], 200)
                 for name, path in programs(build, "unit")]
        runs += [Run("lwip%s/%s" % (suffix, name), [path], 200)
                 for name, path in programs(LWIP + ("-sanitize" if suffix else ""), "lwip")]
    runs += [Run("thread/" + name, [path], 200) for name, path in programs(thread, "tsan")]
    return runs


def end_to_end(plain, sanitized):
    """Tests have their own folders and ports and wait most of the time: several go side by side."""
    return [Pytest("e2e", plain, [], 600), Pytest("e2e-sanitized", sanitized, PLAIN_ONLY, 600),
            Pytest("boards", plain, [], 300, "tests/boards")]


def peers(runs):
    said = {peer.strip() for run in runs for line in PEERS.findall(run.output())
            for peer in line.split(";")}
    return "; ".join(sorted(said)) or "no other program"


def main(plain, sanitized, thread):
    os.makedirs(LOGS, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        done = list(pool.map(Run.start, in_parallel(plain, sanitized, thread)))
    outside = [run.start() for run in end_to_end(plain, sanitized)]
    done += outside
    passed, failed, skipped = (sum(getattr(run, key) for run in done)
                               for key in ("passed", "failed", "skipped"))
    print("ran against: " + peers(outside))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
