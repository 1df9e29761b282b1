#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Clerks save orders, each in its own record of orders.db, and an invoice run now and then wants the whole file."""

import fcntl
import os
import struct
import sys
import time

RECORD = 100
RECORDS = 8


def save_order(file, record, clerk):
    fcntl.lockf(file, fcntl.LOCK_EX, RECORD, record * RECORD)
    os.pwrite(file.fileno(), struct.pack("<II", record, clerk).ljust(RECORD), record * RECORD)
    os.fsync(file.fileno())
    time.sleep(0.02)  # the printer
    fcntl.lockf(file, fcntl.LOCK_UN, RECORD, record * RECORD)


def take_orders(clerk):
    with open("orders.db", "r+b") as file:
        for i in range(25):
            save_order(file, i * (clerk + 1) % RECORDS, clerk)


def write_invoices():
    with open("orders.db", "r+b") as file:
        for _ in range(2):
            time.sleep(0.1)
            fcntl.lockf(file, fcntl.LOCK_EX)
            total = sum(len(file.read(RECORD)) for _ in range(RECORDS))
            time.sleep(0.25)  # the whole shop waits
            file.seek(0)
            fcntl.lockf(file, fcntl.LOCK_UN)
    return total


def main():
    with open("orders.db", "wb") as file:
        file.truncate(RECORD * RECORDS)
    children = []
    for work in [*(lambda clerk=clerk: take_orders(clerk) for clerk in range(4)), write_invoices]:
        child = os.fork()
        if not child:
            work()
            os._exit(0)
        children.append(child)
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


main()
