#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A clerk wants to save an order while the nightly backup has the whole file."""

import fcntl
import os
import time


def back_up(file):
    fcntl.lockf(file, fcntl.LOCK_EX)
    os.write(ready, b"!")
    time.sleep(0.4)  # the tape is slow
    fcntl.lockf(file, fcntl.LOCK_UN)


def save_order(file, number):
    fcntl.lockf(file, fcntl.LOCK_EX, 100, number * 100)
    os.pwrite(file.fileno(), b"shoes", number * 100)
    fcntl.lockf(file, fcntl.LOCK_UN, 100, number * 100)


begun, ready = os.pipe()
if os.fork() == 0:
    back_up(open("orders.db", "w"))
    os._exit(0)
os.read(begun, 1)
save_order(open("orders.db", "r+"), number=3)
os.wait()
