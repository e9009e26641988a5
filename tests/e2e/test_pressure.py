# SPDX-License-Identifier: BSD-2-Clause
"""More than there is room for: each limit has its reply, and what was accepted is untouched."""

import socket
import threading
import time

import pytest

import peers
from pipit import wait_for
from smtp import Closed, Smtp, assert_same, message, stuff, submit


def test_max_message_size(make):
    p = make("max_message_size 100K")
    with Smtp(p.port) as c:
        r = c.cmd("EHLO client.test")
        size = next(int(line.split()[1]) for line in r.lines if line.startswith("SIZE"))
        assert size == 100 << 10
        assert c.cmd(f"MAIL FROM:<ada@client.test> SIZE={size}") == 250
        assert c.cmd("RSET") == 250
        assert c.cmd(f"MAIL FROM:<ada@client.test> SIZE={size + 1}") == "552 5.3.4"
        c.envelope("ada@client.test", "ada@here.test", helo=None)
        assert c.cmd("DATA") == 354
        c.send(stuff(message(b"x" * 98 + b"\r\n") + (b"y" * 98 + b"\r\n") * 2000))
        assert c.reply() == "552 5.3.4"
        c.envelope("ada@client.test", "ada@here.test", helo=None)
        assert c.cmd("DATA") == 354
        m = message(b"small\r\n")
        c.send(stuff(m))
        assert c.reply() == 250
        c.quit()
    assert_same(p.wait_mail("ada")[0], m)
    p.wait_empty()
    assert len(p.mail("ada")) == 1


def test_size_offered_is_what_an_empty_queue_admits(make):
    p = make("queue queue 1M\nmax_message_size 10M")
    with Smtp(p.port) as c:
        r = c.cmd("EHLO client.test")
        size = next(int(line.split()[1]) for line in r.lines if line.startswith("SIZE"))
        assert 100_000 < size < 1 << 20
        assert c.cmd(f"MAIL FROM:<ada@client.test> SIZE={size + 1}") == "552 5.3.4"
    m = message((b"x" * 78 + b"\r\n") * ((size - 1000) // 80))
    assert submit(p.port, "ada@client.test", "ada@here.test", m) == 250
    assert_same(p.wait_mail("ada")[0], m)
    done = p.cli("check")
    assert b"max_message_size" in done.stdout + done.stderr, "`check` warns"


def test_max_recipients(make):
    p = make("max_recipients 10")
    with Smtp(p.port, helo="client.test") as c:
        assert c.cmd("MAIL FROM:<ada@client.test>") == 250
        for n in range(10):
            assert c.cmd(f"RCPT TO:<u{n}@here.test>") == 250
        for n in range(3):
            assert c.cmd(f"RCPT TO:<v{n}@here.test>") == "452 4.5.3"
        assert c.cmd("DATA") == 354
        c.send(message() + b".\r\n")
        assert c.reply() == 250
    p.wait_empty()
    assert p.mail("u9") and not p.mail("v0")


def fill(p, size=20_000, most=2000):
    """Submits until refused: (promised, the refusal)."""
    promised = 0
    with Smtp(p.port, helo="client.test", timeout_s=45) as c:
        for n in range(most):
            r = c.cmd("MAIL FROM:<ada@client.test>")
            if r == 250:
                assert c.cmd(f"RCPT TO:<f{n}@there.test>") == 250
                r = c.cmd("DATA")
            if r == 354:
                c.send(stuff(message(b"x" * 70 + b"\r\n" + (b"y" * 78 + b"\r\n") * (size // 80))))
                r = c.reply()
            if r != 250:
                return promised, r
            promised += 1
    raise AssertionError(f"{most} messages and the queue is not full")


@pytest.mark.parametrize("size", [500, 20_000])
def test_queue_full(make, make_sink, size):
    """452 4.3.1, and mail already accepted is untouched; room comes back as it goes out."""
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:9\nretry 1h\nqueue queue 1M")
    promised, refusal = fill(p, size)
    assert refusal == "452 4.3.1"
    assert promised * size < 1 << 20 and promised > 10
    assert len(p.queue()) == promised
    assert promised * size > 400_000 or size < 1000, f"full at {promised * size} octets of 1M"
    with Smtp(p.port, helo="client.test") as c:
        c.cmd("MAIL FROM:<ada@client.test> SIZE=50000")
    p.restart()
    assert len(p.queue()) == promised
    p.write_config(f"route there.test 127.0.0.1:{s.port}\nretry 1s\nqueue queue 1M")
    p.restart()
    p.control("retry all")
    s.wait(promised, timeout_s=30)
    p.wait_empty(30)
    assert {t.rcpts[0] for t in s.transactions} == {f"f{n}@there.test" for n in range(promised)}
    assert submit(p.port, "ada@client.test", "again@there.test", message()) == 250
    s.wait(promised + 1)


def test_queue_goes_round_many_times(make, make_sink):
    """Ten times its size through a small queue: reclaim keeps up, nothing is refused for good or damaged."""
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:{s.port}\nqueue queue 512K")
    ms = {}
    for n in range(150):
        m = message((b"%05d " % n) * 5000 + b"\r\n")
        ms[f"t{n}@there.test"] = m
        for _ in range(200):
            r = submit(p.port, "ada@client.test", f"t{n}@there.test", m, timeout_s=45) if True else None
            if r == 250:
                break
            assert r == "452 4.3.1"
            time.sleep(0.02)
        assert r == 250
    s.wait(150, timeout_s=30)
    p.wait_empty(20)
    for t in s.transactions:
        assert_same(t.data, ms[t.rcpts[0]])


def test_per_client_limit(make):
    """So many sessions for one address, 421 4.7.0 beyond; others are served."""
    p = make()
    sessions, refused = [], None
    for _ in range(200):
        c = Smtp(p.port)
        sessions.append(c)
        if c.banner.code == 421:
            refused = c.banner
            break
    assert refused == "421 4.7.0", f"{len(sessions)} sessions of one client"
    assert sessions[-1].closed()
    with Smtp(p.port, source="127.0.0.9") as other:
        assert other.banner == 220
    for c in sessions[:5]:
        c.close()
    time.sleep(0.2)
    with Smtp(p.port) as again:
        assert again.banner == 220
    for c in sessions:
        c.close()


def test_more_clients_than_sessions_wait_in_the_backlog(make):
    p = make()
    value = {f["name"]: f for k, f in p.control("status") if k == "value"}
    limit = int(value["server_sessions"]["max"])
    held = [Smtp(p.port, source=f"127.0.2.{n % 200 + 1}") for n in range(limit)]
    waiting = Smtp(p.port, source="127.0.3.1", greet=False)
    assert waiting.silent(0.3), "no slot, and yet it was spoken to"
    held[0].quit()
    waiting.banner = waiting.reply()
    assert waiting.banner == 220
    for c in held[1:] + [waiting]:
        c.close()


@pytest.mark.limit(90)
def test_many_sessions_from_many_addresses(make, make_sink):
    """Everything at once: 80 threads of clients, a slow next hop, a small queue; each 250 is kept."""
    from sink import Wait
    s = make_sink({"dot": Wait(0.01, "250 ok")})
    p = make(f"route there.test 127.0.0.1:{s.port}\nqueue queue 2M")
    accepted, wrong, lock = [], [], threading.Lock()

    def client(i):
        for n in range(8):
            to = f"c{i}n{n}@there.test"
            for _ in range(100):
                try:
                    r = submit(p.port, "ada@client.test", to, message(b"z" * 70 + b"\r\n" * 30), source=f"127.0.4.{i + 1}", timeout_s=45)
                except (Closed, OSError, AssertionError) as e:
                    if "452" in str(e) or "421" in str(e):
                        time.sleep(0.1)
                        continue
                    wrong.append(repr(e))
                    return
                if r == 250:
                    with lock:
                        accepted.append(to)
                    break
                if r.code != 452:
                    wrong.append(r)
                    return
                time.sleep(0.1)
    threads = [threading.Thread(target=client, args=(i,)) for i in range(80)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, wrong[:5]
    s.wait(len(accepted), timeout_s=30)
    p.wait_empty(30)
    assert sorted(t.rcpts[0] for t in s.transactions) == sorted(accepted)
    assert len(accepted) == 640


def test_fast_peer_does_not_starve_the_rest(make):
    p = make("queue queue 64M\nmax_message_size 30M")
    stop = []

    def flood():
        c = Smtp(p.port, source="127.0.0.8")
        c.begin_data("ada@client.test", "flood@here.test")
        try:
            for _ in range(380):
                if stop:
                    break
                c.send(b"F" * 65534 + b"\r\n")
        except (Closed, OSError):
            pass
        c.close()
    threads = [threading.Thread(target=flood) for _ in range(3)]
    for t in threads:
        t.start()
    worst = 0.0
    for _ in range(20):
        began = time.monotonic()
        with Smtp(p.port, helo="client.test") as c:
            c.cmd("NOOP")
        worst = max(worst, time.monotonic() - began)
    stop.append(True)
    for t in threads:
        t.join()
    assert worst < 1.0, f"a NOOP took {worst:.2f} s"


def test_swaks_and_smtp_source_side_by_side(make):
    p = make("queue queue 32M")
    out = []

    def source():
        out.append(peers.smtp_source(p.port, "-s", "16", "-m", "200", "-l", "5000", "-f", "a@client.test", "-t", "side@here.test", "-M", "client.test", ok=None).returncode)
    t = threading.Thread(target=source)
    t.start()
    peers.run([peers.program("swaks"), "--server", f"127.0.0.1:{p.port}", "--from", "ada@client.test", "--to", "swaks@here.test", "--helo", "client.test"], ok=0)
    t.join()
    assert out == [0]
    p.wait_mail("side", 200, timeout_s=20)
    p.wait_mail("swaks")


def test_control_line_flood(make):
    """Operators' connections are few: the next waits or is refused, and mail goes on."""
    p = make()
    held = []
    for _ in range(20):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(1)
        try:
            s.connect(p.control_path)
            s.sendall(b"x" * 10_000)
        except OSError:
            pass
        held.append(s)
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
    for s in held:
        s.close()

    def answered():
        try:
            return p.control("status")
        except BlockingIOError:   # its backlog is still full of those that have gone
            return None
    assert wait_for(answered, why="an answer on the control line")
