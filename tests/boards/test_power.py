# SPDX-License-Identifier: BSD-2-Clause
"""The power goes at any moment: QEMU is killed while the board starts, receives, relays and
reclaims.  What it has answered 250 arrives; it starts every time.

PIPIT_KILLS: how often; PIPIT_SEED: another run.
"""

import os
import random
import smtplib
import threading
import time

import pytest
from board import RISCV
from pipit import wait_for

KILLS = int(os.environ.get("PIPIT_KILLS", "10"))
SEED = int(os.environ.get("PIPIT_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


class Sender(threading.Thread):
    """Sends until the board is gone; `accepted` are the names that got their 250."""

    def __init__(self, board, rng, boot):
        super().__init__(daemon=True)
        self.board, self.rng, self.boot = board, rng, boot
        self.accepted = []
        self.start()

    def run(self):
        for number in range(40):
            name = f"k{self.boot}x{number}x"
            text = f"Subject: {name}\r\n\r\n" + "some text\r\n" * self.rng.randrange(1, 600)
            try:
                with smtplib.SMTP("127.0.0.1", self.board.port, timeout=5) as s:
                    s.sendmail("a@postfix.test", ["power@postfix.test"], text)
                    self.accepted.append(name)
            except (OSError, smtplib.SMTPException):
                if self.board.process is None:
                    return
                time.sleep(0.05)


@pytest.mark.limit(60 + 6 * KILLS)
def test_nothing_accepted_is_lost(make, mx, postfix):
    print("PIPIT_SEED=%d" % SEED)
    rng = random.Random(SEED)
    board = make(RISCV)
    accepted = []
    for boot in range(KILLS):
        first = boot % 4 == 0   # while it starts; the very first on blank flash
        board.start(mx, wait=not first)
        sender = None if first else Sender(board, rng, boot)
        time.sleep(rng.uniform(0.02, 0.5) if first else rng.uniform(0.05, 2.0))
        board.kill()
        if sender:
            sender.join(20)
            accepted += sender.accepted
    board.start(mx)
    assert accepted, "no message was accepted: the test tried nothing"
    wait_for(lambda: any("queue_messages value=0" in row for row in board.ask("status")), 60, 0.5,
             why="an empty queue")
    board.kill()

    def arrived():
        return [next(line for line in mail.split(b"\n") if line.startswith(b"Subject: ")).split()[1].decode()
                for mail in postfix.mail("power")]
    wait_for(lambda: set(accepted) <= set(arrived()), 20, 0.2,
             why=lambda: f"seed {SEED}: lost {sorted(set(accepted) - set(arrived()))}")
    print(f"{KILLS} kills, {len(accepted)} accepted, {len(arrived())} arrived")
