#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How many messages a second are accepted durably, Pipit beside Postfix, on the same disk in the same run.

	accept_rate.py [--messages N] [--sessions N] [--size N] [--rounds N] [--need RATIO] [--folder PATH]

smtp-source sends -m N messages of -l SIZE octets over -s SESSIONS connections.  Both servers put the mail into their
queue, answer 250 when it is on disk, and keep it there: neither delivers meanwhile (Pipit's next hop is a closed port,
Postfix puts all on hold), so it is the promise that is measured.  Rounds take turns; the best of each counts.
Ends with 1 when Pipit's rate is below RATIO times Postfix's.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import peers                    # noqa: E402
from pipit import Pipit         # noqa: E402


def source(port, a, address="127.0.0.1"):
    argv = [peers.program("smtp-source", "postfix"), "-s", str(a.sessions), "-m", str(a.messages), "-l", str(a.size),
            "-f", "load@client.test", "-t", "held@there.test", "-M", "client.test", f"inet:{address}:{port}"]
    began = time.monotonic()
    done = subprocess.run(argv, capture_output=True, timeout=600, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        sys.exit(f"{argv}: {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
    return a.messages / seconds


def pipit_round(folder, a):
    # The next hop is a closed port of loopback: mail stays in the queue.
    size_mb = max(16, a.messages * (a.size + 1024) * 3 // (1 << 20))
    with Pipit(folder, f"route there.test 127.0.0.1:9 tls=none\nqueue queue {size_mb}M\nretry 1h\nlog warning") as p:
        rate = source(p.port, a)
        kept = p.counters()
        if kept.get("accepted") != a.messages:
            sys.exit(f"Pipit accepted {kept.get('accepted')} of {a.messages}")
        return rate


def postfix_round(folder, a):
    server = peers.Postfix(folder, domains=(), extra={
        "default_transport": "smtp:[127.0.0.1]:9",
        "smtpd_client_restrictions": "check_client_access static:HOLD",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "smtpd_client_connection_rate_limit": "0",
        "default_process_limit": str(max(100, 2 * a.sessions)),
        "smtpd_error_sleep_time": "0",
        "in_flow_delay": "0",      # its brake for when arrival outruns delivery
    })
    try:
        return source(server.port, a)
    finally:
        server.stop()


def filesystem(path):
    done = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, check=False)
    return done.stdout.decode().strip()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--messages", type=int, default=1000)
    arguments.add_argument("--sessions", type=int, default=16)
    arguments.add_argument("--size", type=int, default=4096)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--need", type=float, default=3.0)
    arguments.add_argument("--folder")
    a = arguments.parse_args()
    folder = tempfile.mkdtemp(prefix="pipit-rate-", dir=a.folder or os.environ.get("TMPDIR") or "/var/tmp")
    os.chmod(folder, 0o755)
    try:
        rates = {"pipit": [], "postfix": []}
        for n in range(a.rounds):
            rates["postfix"].append(postfix_round(f"{folder}/postfix{n}", a))
            rates["pipit"].append(pipit_round(f"{folder}/pipit{n}", a))
        best = {k: max(v) for k, v in rates.items()}
        ratio = best["pipit"] / best["postfix"]
        print(f"durable accept: smtp-source -s {a.sessions} -m {a.messages} -l {a.size}, {a.rounds} rounds, "
              f"{folder.rsplit('/', 1)[0]} ({filesystem(folder)}), {os.cpu_count()} CPUs")
        for k, v in rates.items():
            print(f"  {k:8} {best[k]:8.0f} messages/s   (rounds: {', '.join(f'{x:.0f}' for x in v)})")
        print(f"  ratio    {ratio:8.1f}   (at least {a.need:g} is asked)")
        sys.exit(0 if ratio >= a.need else 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
