# SPDX-License-Identifier: BSD-2-Clause
"""Instructions, counted by QEMU (-icount): for a message accepted, for one relayed, and in the
longest pipit_step, which the watchdog has to allow.  With -s the figures are printed."""

import time

import pytest
from board import TICK
from pipit import free_port, wait_for

STEP_MOST = 12_500_000   # 250 ms at 50 MHz
COUNT = 8
TEXT = "Subject: figures\r\n\r\n" + "forty octets of text and a line end ...\r\n" * 40


def work(board, do):
    """Instructions in pipit_step and in the whole loop that `do` caused: without those that
    the same time costs idle."""
    def now():
        f = board.figures()
        return f["uptime_ms"], f["step_kiloticks"], f["busy_kiloticks"]
    before = now()
    time.sleep(1.5)
    idle = now()
    do()
    after = now()
    share = (after[0] - idle[0]) / (idle[0] - before[0])
    return [TICK[board.name] * 1000 * (after[i] - idle[i] - share * (idle[i] - before[i])) for i in (1, 2)]


def send(board, user):
    with board.smtp() as s:
        for _ in range(COUNT):
            s.sendmail("a@postfix.test", [f"{user}@postfix.test"], TEXT)


@pytest.mark.limit(180)
def test_steps_are_short(board, nsd, mx, postfix):
    user = f"steps-{board.name}"
    board.start(f"dns_server 10.0.2.2:{nsd.port}\nmx_port {free_port()}\n", icount=True)
    board.send(f"{user}@postfix.test", TEXT)   # its next hop rests from now on
    board.wait_said("deferred", 20)
    accepted = work(board, lambda: send(board, user))
    most = board.figures()["step_most"]
    board.kill()
    board.start(mx, icount=True)
    postfix.wait_mail(user, COUNT + 1, 60)     # what was kept

    def relay():
        send(board, user)
        postfix.wait_mail(user, 2 * COUNT + 1, 60)
        wait_for(lambda: any("queue_messages value=0" in row for row in board.ask("status")), 20, 0.2)
    both = work(board, relay)
    for _ in range(3):   # through all of the queue's flash, so that it is reclaimed
        board.send(f"{user}@postfix.test", TEXT * 9)
        wait_for(lambda: any("queue_messages value=0" in row for row in board.ask("status")), 20, 0.2)
    figures = board.figures()
    most = max(most, figures["step_most"]) * TICK[board.name]
    print(f"\n{board.name}: {len(TEXT)} octets; accepted {accepted[0] / COUNT:.0f} instructions in pipit_step, "
          f"{accepted[1] / COUNT:.0f} in all; relayed {(both[0] - accepted[0]) / COUNT:.0f}, "
          f"{(both[1] - accepted[1]) / COUNT:.0f} in all; longest step {most}; "
          f"stack {figures['stack_most']} of {figures['stack']}")
    assert most <= STEP_MOST
    assert accepted[0] > 0
