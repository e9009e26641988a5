# SPDX-License-Identifier: BSD-2-Clause
"""A network that comes late or goes: the board goes on by itself, without a reset."""

import time

from pipit import wait_for


def test_dhcp_answers_late(board, mx, postfix):
    board.start(mx)
    board.cable(False)
    board.say("board reset")
    board.wait_said("running", 20, count=3)
    time.sleep(3)
    assert board.figures()["network"] != "ready"
    board.said.clear()
    board.cable(True)
    board.wait_said("lease network=ready", 60)
    user = f"dhcp-{board.name}"
    wait_for(lambda: accepts(board, user), 30, 0.5)
    postfix.wait_mail(user, 1, 30)


def accepts(board, user):
    try:
        board.send(f"{user}@postfix.test", "Subject: at last\r\n\r\n")
        return True
    except OSError:
        return False


def test_the_cable_is_pulled_and_put_back(board, mx, postfix):
    board.start(mx)
    user = f"cable-{board.name}"
    starts = len(board.wait_said("started version"))
    for _ in range(3):
        board.cable(False)
        time.sleep(1)
        board.cable(True)
        time.sleep(0.5)
    wait_for(lambda: accepts(board, user), 30, 0.5)
    postfix.wait_mail(user, 1, 60)
    assert len(board.wait_said("started version")) == starts
