# SPDX-License-Identifier: BSD-2-Clause
"""Mail through the boards: in by the forwarded port, out by MX to a real Postfix."""

import random
import smtplib
import time

import peers
import pytest
from board import LM3S, RISCV
from pipit import free_port, wait_for


def test_swaks_to_postfix(board, mx, postfix):
    board.start(mx)
    user = f"swaks-{board.name}"
    peers.run([peers.program("swaks"), "--server", f"127.0.0.1:{board.port}", "--from", "you@example.test",
               "--to", f"{user}@postfix.test", "--header", "Subject: through a board"], ok=0)
    mail = postfix.wait_mail(user, 1, 30)[0]
    assert b"Subject: through a board" in mail
    assert b"by sensor.test" in mail


def test_the_sensor_answers(board, mx, postfix):
    """Received by callback, submitted by the loop, sent by MX."""
    board.start(mx)
    user = f"asker-{board.name}"
    board.send("sensor@sensor.test", "Subject: how warm is it\r\n\r\n", sender=f"{user}@postfix.test")
    mail = postfix.wait_mail(user, 1, 30)[0]
    assert b"From: sensor@sensor.test" in mail and b"degrees" in mail
    assert b"Subject: reading 1" in mail and b"Message-ID:" in mail


def test_a_body_of_all_kinds(board, mx, postfix):
    """Dots, long lines, and more octets than any buffer of the board."""
    board.start(mx)
    user = f"body-{board.name}"
    lines = [".", "..", "x" * 900] + ["line %d of many" % n for n in range(800)]
    board.send(f"{user}@postfix.test", "Subject: much\r\n\r\n" + "\r\n".join(lines) + "\r\n")
    mail = postfix.wait_mail(user, 1, 30)[0].replace(b"\r\n", b"\n")
    assert mail.endswith(("\n".join(lines) + "\n").encode())


def test_relaying_is_refused(board):
    board.start()
    with board.smtp() as s:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            s.sendmail("a@example.test", ["nobody@sensor.test"], "x")


@pytest.mark.parametrize("name", [RISCV, LM3S])
def test_killed_after_the_250(name, make, nsd, mx, postfix):
    """The power goes after our 250 and before the delivery: it arrives after the restart, once."""
    board = make(name)
    user = f"killed-{name}"
    board.start(f"dns_server 10.0.2.2:{nsd.port}\nmx_port {free_port()}\n")   # nobody listens there
    board.send(f"{user}@postfix.test", "Subject: kept\r\n\r\nstill here\r\n")
    board.kill()
    assert postfix.mail(user) == []
    board.start(mx)
    assert b"still here" in postfix.wait_mail(user, 1, 30)[0]
    wait_for(lambda: any("queue_messages value=0" in row for row in board.ask("status")), 15, 0.3,
             why="an empty queue")
    time.sleep(1.5)
    assert len(postfix.mail(user)) == 1


def test_the_next_hop_is_dead_for_a_while(board, nsd, root_folder):
    """No restart: it goes on by itself when the next hop is there."""
    port = free_port()
    board.start(f"dns_server 10.0.2.2:{nsd.port}\nmx_port {port}\n")
    board.send("late@postfix.test", "Subject: late\r\n\r\n")
    board.wait_said("deferred", 20)
    late = peers.Postfix(root_folder / f"late-{random.randrange(10**9)}", port=port)
    try:
        board.say("retry all")
        late.wait_mail("late", 1, 45)
    finally:
        late.stop()
