# SPDX-License-Identifier: MIT
"""A MariaDB server of its own, on a socket alone: installed, started, loaded by several clients, stopped, started again, checked."""

import os
import re
import time

from place import Failed

NEEDS = ["mariadbd", "mariadb-install-db", "mariadb"]
CLIENTS, ROWS = 4, 1500
ENGINES = ("InnoDB", "Aria", "MyISAM")


class Server:
    def __init__(self, place):
        self.place = place
        self.user = "--user=root" if os.geteuid() == 0 else f"--user={os.environ.get('USER', '')}"
        self.socket = str(place.scratch / "socket")
        self.data = str(place.directory / "data")

    def install(self):
        return self.place.run("mariadb-install-db", "--no-defaults", self.user, "--datadir=" + self.data, "--skip-test-db",
                              "--auth-root-authentication-method=normal")

    def start(self):
        self.process = self.place.start("mariadbd", "--no-defaults", self.user, "--datadir=" + self.data, "--socket=" + self.socket,
                                        "--skip-networking", "--pid-file=" + str(self.place.scratch / "pid"),
                                        "--innodb-flush-log-at-trx-commit=2")
        deadline = time.monotonic() + 120
        while self.query("SELECT 1")[1]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise Failed("the server does not answer\n" + self.place.finish(self.process)[0][-2000:])
            time.sleep(0.1)

    def client(self, sql):
        return self.place.start("mariadb", "--no-defaults", "-NB", "--socket=" + self.socket, "-uroot", "-e", sql)

    def query(self, sql):
        return self.place.finish(self.client(sql))

    def stop(self):
        self.query("SHUTDOWN")
        return self.place.finish(self.process, timeout=120)


def load(server):
    tables = "".join(f"CREATE TABLE d.{engine}(client INT, n INT, text VARCHAR(99), PRIMARY KEY(client, n)) ENGINE={engine};"
                     for engine in ENGINES)
    yield "create", server.query("CREATE DATABASE d;" + tables)[1]
    clients = [server.client("".join(f"INSERT INTO d.{ENGINES[n % 3]} VALUES({client}, {n}, REPEAT('{n}', 9));" for n in range(ROWS)))
               for client in range(CLIENTS)]
    for number, client in enumerate(clients):
        yield f"client {number}", server.place.finish(client)[1]


def contents(server, when):
    for engine in ENGINES:
        for question in (f"CHECKSUM TABLE d.{engine}", f"CHECK TABLE d.{engine} EXTENDED", f"SELECT COUNT(*) FROM d.{engine}"):
            yield f"{when}: {question}", server.query(question)[0].strip()


def run(place):
    server = Server(place)
    outcomes = {"install": server.install()[1]}
    server.start()
    outcomes.update(load(server))
    outcomes.update(contents(server, "loaded"))
    for when in ("stop", "stop again"):
        output, status = server.stop()
        errors = "; ".join(re.findall(r"\[(?:ERROR|Warning)\].*", output))
        outcomes[when] = f"exit {status} {errors}"
        if when == "stop":
            server.start()
            outcomes.update(contents(server, "started again"))
    return {name: str(outcome) for name, outcome in outcomes.items()}
