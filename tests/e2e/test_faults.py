# SPDX-License-Identifier: BSD-2-Clause
"""The world fails: disk, queue file, clock, descriptors.  A clear error, and nothing accepted is lost."""

import os
import socket
import subprocess
import time

import pytest

import peers
from pipit import BINARY, Pipit
from smtp import Closed, Smtp, assert_same, message, stuff, submit


def orders(p, *lines):
    """What the shim does from now on; none: the world is well again."""
    temporary = p.shim_control + ".new"
    with open(temporary, "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in lines))
    os.chmod(temporary, 0o644)
    os.replace(temporary, p.shim_control)


def held(make, shim, more=""):
    """A Pipit whose mail stays in its queue: the next hop is a closed port."""
    return make(f"route there.test 127.0.0.1:9\nretry 1h\n{more}", preload=shim)


def try_submit(p, m, to="bob@there.test"):
    """The last reply, or None when the session was ended.  Silence is a failure: a sender would wait its ten minutes."""
    stage = "connect"
    try:
        with Smtp(p.port, timeout_s=8) as c:
            if c.banner != 220:
                return c.banner
            for line in ("EHLO client.test", "MAIL FROM:<ada@client.test>", f"RCPT TO:<{to}>", "DATA"):
                stage = line
                r = c.cmd(line)
                if r.code >= 400:
                    return r
            stage = "the dot"
            c.send(stuff(m))
            return c.reply()
    except socket.timeout:
        raise AssertionError(f"no answer to {stage}\n{p.log_tail()}") from None
    except (Closed, OSError):
        return None


FAULTS = {
    "write-EIO": "write EIO", "write-ENOSPC-disk-full": "write ENOSPC", "write-EROFS": "write EROFS", "write-EFBIG": "write EFBIG",
    "fsync-EIO": "sync EIO", "fsync-ENOSPC": "sync ENOSPC",
}


@pytest.mark.parametrize("name", FAULTS)
def test_disk_fault(make, shim, name):
    p = held(make, shim)
    kept = [message(b"before\r\n" * 50) for _ in range(5)]
    for n, m in enumerate(kept):
        assert submit(p.port, "ada@client.test", f"k{n}@there.test", m) == 250
    time.sleep(0.3)
    orders(p, FAULTS[name])
    refused = [try_submit(p, message(b"during\r\n" * 50)) for _ in range(3)]
    for r in refused:
        assert r is None or 400 <= r.code < 500, f"promised on a disk that fails: {r}"
    assert any(r is not None for r in refused), "nobody was told"
    p.wait_log("queue|storage|disk", 5)
    p.stop(must=False) if p.alive() else p.kill()
    orders(p)
    p.start()
    found = p.queue()
    recipients = {r["to"] for m in found for r in m["rcpt_rows"]}
    assert {f"k{n}@there.test" for n in range(5)} <= recipients, p.log_tail()
    # What was refused may not be there: it was not promised, and its sender will send it again.
    # Only where the sync failed may it have reached the disk all the same: sent twice, never lost.
    assert len(found) <= 5 + sum(1 for r in refused if r is None) + ("sync" in FAULTS[name]), found
    assert submit(p.port, "ada@client.test", "after@there.test", message()) == 250


@pytest.mark.parametrize("after", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("fault", ["write EIO", "write ENOSPC", "sync EIO"])
def test_disk_fault_in_the_middle_of_load(make, shim, fault, after):
    """The fault comes somewhere inside a message's way to disk; 250 before it counts, and nothing else does."""
    p = held(make, shim)
    orders(p, fault, f"after {after}")
    promised = []
    for n in range(8):
        r = try_submit(p, message(b"x" * 70 + b"\r\n" * 30), f"m{n}@there.test")
        if r is not None and r == 250:
            promised.append(f"m{n}@there.test")
        if r is None:
            break
    p.kill()
    orders(p)
    p.start()
    recipients = {r["to"] for m in p.queue() for r in m["rcpt_rows"]}
    assert set(promised) <= recipients, (promised, recipients, p.log_tail())


def test_short_writes_are_no_fault(make, shim):
    p = held(make, shim)
    orders(p, "write SHORT")
    m = message(b"y" * 3000 + b"\r\n")
    for n in range(5):
        assert submit(p.port, "ada@client.test", f"m{n}@there.test", m) == 250
    p.kill()
    orders(p)
    p.start()
    assert len(p.queue()) == 5


def test_read_error(make, shim):
    """The message cannot be read: it is not delivered in part, and is not forgotten."""
    p = make("route there.test 127.0.0.1:9\nretry 1s 2s", preload=shim)
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    time.sleep(0.3)
    orders(p, "read EIO")
    time.sleep(2.5)
    orders(p)
    p.stop(must=False) if p.alive() else p.kill()
    p.start()
    assert len(p.queue()) == 1, p.log_tail()


def test_slow_fsync_commits_in_groups(make, shim):
    """Fifty sessions and a disk that takes 200 ms to sync: they share syncs, and the loop goes on."""
    p = held(make, shim, "queue queue 32M")
    orders(p, "sync_ms 200")
    sessions = [Smtp(p.port, timeout_s=30, helo="client.test") for _ in range(40)]
    m = message()
    for c in sessions:
        c.send(b"MAIL FROM:<ada@client.test>\r\nRCPT TO:<bob@there.test>\r\nDATA\r\n")
    for c in sessions:
        assert [r.code for r in c.replies(3)] == [250, 250, 354]
    began = time.monotonic()
    for c in sessions:
        c.send(stuff(m))
    with Smtp(p.port, helo="client.test") as other:   # answered although the disk is busy
        at = time.monotonic()
        assert other.cmd("NOOP") == 250
        assert time.monotonic() - at < 0.15
    for c in sessions:
        assert c.reply() == 250
        c.close()
    took = time.monotonic() - began
    assert took < 3, f"40 commits took {took:.1f} s with 200 ms a sync: one by one would be 8"
    assert took > 0.15, "250 came before any sync can have ended"
    orders(p)


def test_no_250_before_the_sync_has_ended(make, shim):
    p = held(make, shim)
    orders(p, "sync_ms 700")
    began = time.monotonic()
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    assert time.monotonic() - began > 0.65


# ---- the queue file ------------------------------------------------------------------------------

def test_read_only_queue_file(make):
    p = make()
    p.stop()
    os.chmod(p.queue_path, 0o400)
    if os.geteuid() == 0:
        # Root may write everything: a read-only bind mount is what it meets.
        if peers.run(["mount", "--bind", p.queue_path, p.queue_path]).returncode != 0:
            peers.missing("mount does not work here")
        try:
            peers.run(["mount", "-o", "remount,ro,bind", p.queue_path], ok=0)
            code, log = p.run_to_end()
        finally:
            peers.run(["umount", p.queue_path])
    else:
        code, log = p.run_to_end()
    assert code not in (0, None) and code > 0, code
    assert "queue" in log


@pytest.mark.parametrize("content", ["garbage", "text", "zeros", "ones"])
def test_garbage_queue_file(make, content):
    """What is not a queue is not formatted over: it may be somebody's only copy of something."""
    p = make(start=False)
    octets = {"garbage": os.urandom(1 << 20), "text": b"This is somebody's text.\n" * 40000, "zeros": b"\0" * (1 << 20), "ones": b"\xff" * (1 << 20)}[content]
    with open(p.queue_path, "wb") as f:
        f.write(octets)
    os.chmod(p.queue_path, 0o666)
    if content in ("zeros", "ones"):   # blank, as an erased or a sparse file is
        p.start(wait=False)
        time.sleep(1)
        if p.alive():
            p.wait_ready()
            assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
            p.wait_mail("ada")
        else:
            p.process = None
        return
    code, log = p.run_to_end()
    assert code in (65, 69, 70, 74, 78), code
    assert "queue" in log and "format" in log, "says what it is and what to do"
    with open(p.queue_path, "rb") as f:
        assert f.read() == octets
    p.cli("queue", "format", check=0)
    p.start()
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
    p.wait_mail("ada")


@pytest.mark.parametrize("size", [0, 1, 100, 4095, 4096, 12345, 30000])
def test_odd_size_of_queue_file(make, size):
    """Empty is a new one; else a clear error or a queue that works."""
    p = make(start=False)
    with open(p.queue_path, "wb") as f:
        f.write(b"\0" * size)
    os.chmod(p.queue_path, 0o666)
    p.start(wait=False)
    time.sleep(0.7)
    if p.alive():
        p.wait_ready()
        assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
        p.wait_mail("ada")
    else:
        assert p.process.returncode > 0 and "queue" in p.log()
        p.process = None


def test_queue_file_of_another_size(make):
    """Another size in the configuration than the file has: mail in it is not lost, and it says so."""
    p = make("route there.test 127.0.0.1:9\nretry 1h\nqueue queue 8M")
    m = message()
    for n in range(10):
        assert submit(p.port, "ada@client.test", f"m{n}@there.test", m) == 250
    p.stop()
    p.write_config("route there.test 127.0.0.1:9\nretry 1h\nqueue queue 16M")
    p.start(wait=False)
    time.sleep(0.7)
    if p.alive():
        p.wait_ready()
        assert len(p.queue()) == 10
        p.stop()
    else:
        p.process = None
        assert "resize" in p.log() or "size" in p.log()
    p.cli("queue", "resize", "16M", check=0)
    p.start()
    assert len(p.queue()) == 10
    assert os.path.getsize(p.queue_path) == 16 << 20


def test_truncated_queue_file(make):
    """Its end is missing: no crash, and no mail made up."""
    p = make("route there.test 127.0.0.1:9\nretry 1h\nqueue queue 8M")
    for n in range(20):
        assert submit(p.port, "ada@client.test", f"m{n}@there.test", message(b"z" * 4000 + b"\r\n")) == 250
    p.stop()
    os.truncate(p.queue_path, 4 << 20)
    p.start(wait=False)
    time.sleep(0.7)
    if p.alive():
        p.wait_ready()
        p.queue()
        p.stop(must=False)
    else:
        assert p.process.returncode > 0 and "queue" in p.log()
        p.process = None


def test_two_daemons_on_one_queue_file(make, folder):
    p = make()
    other = Pipit(p.folder + "-other", f"queue {p.queue_path} 8M")
    code, log = other.run_to_end()
    assert code > 0 and "queue" in log, (code, log)
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
    p.wait_mail("ada")
    assert p.cli("queue", "format").returncode != 0, "format is offline"
    assert p.cli("queue", "resize", "16M").returncode != 0, "resize is offline"
    p.kill()
    other.start()   # the lock dies with its holder
    other.stop()


def test_port_is_taken(make):
    p = make()
    other = Pipit(p.folder + "-other", f"listen 127.0.0.1:{p.port}")
    code, log = other.run_to_end()
    assert code > 0 and str(p.port) in log


# ---- bits rot --------------------------------------------------------------------------------------

def test_rotten_message_is_not_delivered_as_if_it_were_whole(make, make_sink):
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:9\nroute back.test 127.0.0.1:{s.port}\nretry 1h")
    m = message(b"ROTTENPLACE " * 500 + b"\r\n")
    assert submit(p.port, "sender@here.test", "bob@there.test", m) == 250
    assert submit(p.port, "sender@here.test", "eve@there.test", message(b"healthy\r\n")) == 250
    p.stop()
    with open(p.queue_path, "r+b") as f:
        content = f.read()
        at = content.find(b"ROTTENPLACE ROTTENPLACE")
        assert at > 0
        f.seek(at + 3)
        f.write(bytes([content[at + 3] ^ 1]))
    p.write_config(f"route there.test 127.0.0.1:{s.port}\nroute back.test 127.0.0.1:{s.port}\nretry 1s")
    p.start()
    p.control("retry all")
    s.wait(timeout_s=15)
    p.wait_log("damaged", 15)
    time.sleep(0.5)
    assert [t.rcpts for t in s.transactions] == [["eve@there.test"]]
    assert b"damaged" in p.wait_mail("sender")[0].lower()


# ---- clock -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("jump", [86400 * 3650, -86400 * 3650, 3600, -3600])
def test_clock_jumps(make, make_sink, shim, jump):
    """The wall clock is set by ten years or an hour: mail is neither expired by it nor kept from its next try."""
    s = make_sink({"rcpt": "450 4.2.1 wait"})
    p = make(f"route there.test 127.0.0.1:{s.port}\nretry 1s 2s\nexpire 5d\nwarn_delay 0", preload=shim)
    assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
    p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    orders(p, f"clock {jump}")
    if jump < 86400 * 5:
        n = len(s.sessions)
        s.wait_sessions(n + 2, timeout_s=10)
        assert p.queue() and not p.mail("sender")
        s.script["rcpt"] = "250 ok"
        s.wait(timeout_s=10)
        assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
        s.wait(2, timeout_s=10)
    else:
        time.sleep(3)   # ten years later five days have passed: either answer will do, a crash or silence will not
        assert p.alive()
        assert p.queue() or b"delivery-status" in p.wait_mail("sender")[0]
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
    p.wait_mail("ada")
    p.restart()
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
    p.wait_mail("ada", 2)


def test_clock_not_set_at_boot(make, make_sink, shim):
    """A device without a clock starts in 1970; later it knows better."""
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:{s.port}", preload=shim, start=False)
    orders(p, f"clock -{int(time.time()) - 100}")
    p.start()
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait()
    orders(p)
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait(2)
    p.wait_empty()


# ---- descriptors, memory ------------------------------------------------------------------------------

def test_no_descriptors_left(make):
    """A limit of 24: sessions beyond wait or are turned away; what was accepted is there."""
    p = make(limit=["sh", "-c", 'ulimit -n 24 && exec "$@"', "sh"])
    opened = []
    try:
        for _ in range(60):
            try:
                opened.append(Smtp(p.port, timeout_s=0.3, greet=False))
            except OSError:
                break
        time.sleep(0.5)
        assert p.alive(), p.log_tail()
    finally:
        for c in opened:
            c.close()
    assert submit(p.port, "ada@client.test", "ada@here.test", message(), timeout_s=30) == 250
    p.wait_mail("ada", timeout_s=20)
    log = p.log()
    assert len(log) < 200_000, "the log was flooded"


def test_spinning_is_no_waiting(make):
    """At rest, and with descriptors gone, it costs no processor."""
    p = make()

    def cpu():
        with open(f"/proc/{p.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before = cpu()
    with Smtp(p.port) as c:
        c.begin_data("ada@client.test", "ada@here.test")
        time.sleep(2)
    assert cpu() - before < 0.2


def test_memory_stays(make, make_sink):
    """All memory is one value: a thousand messages later it is not more."""
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:{s.port}\nqueue queue 32M")

    def rss():
        with open(f"/proc/{p.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    peers.smtp_source(p.port, "-s", "10", "-m", "300", "-l", "2000", "-f", "a@client.test", "-t", "x@there.test", "-M", "client.test")
    p.wait_empty(30)
    first = rss()
    peers.smtp_source(p.port, "-s", "10", "-m", "600", "-l", "2000", "-f", "a@client.test", "-t", "x@there.test", "-M", "client.test")
    p.wait_empty(30)
    assert rss() - first < 3 << 20


def test_control_path_left_over_from_a_crash(make):
    p = make()
    p.kill()
    assert os.path.exists(p.control_path)
    p.start()
    p.control("status")


def test_bad_configuration_at_start(make):
    p = make("nonsense yes\nmax_message_size lots", start=False)
    code, log = p.run_to_end()
    assert code == 78
    assert "nonsense" in log and "lots" in log
    lines = p.config_text.splitlines()
    for word in ("nonsense yes", "max_message_size lots"):
        assert f":{lines.index(word) + 1}: " in log, "names the line"
    assert not os.path.exists(p.queue_path)


def test_missing_configuration_file(make, folder):
    done = subprocess.run([BINARY, "run", "-c", f"{folder}/none.conf"], capture_output=True, timeout=10, check=False)
    assert done.returncode in (66, 72, 78) and b"none.conf" in done.stderr + done.stdout
