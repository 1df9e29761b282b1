# SPDX-License-Identifier: MIT
"""Several sqlite3 write to one database, with a rollback journal and with a write-ahead log: nothing of what they wrote is missing."""

NEEDS = ["sqlite3"]

SCRIPT = r"""
rows=ROWS
for journal in delete wal; do
	sqlite3 $journal.db "PRAGMA journal_mode=$journal; CREATE TABLE t(writer, n, PRIMARY KEY(writer, n)) WITHOUT ROWID;" >/dev/null
	writers=
	for writer in 1 2 3 4; do
		for ((n = 0; n < rows; n++)); do
			printf 'BEGIN IMMEDIATE; INSERT INTO t VALUES(%d, %d); COMMIT;\n' $writer $n
		done | sqlite3 -bail -cmd '.timeout 60000' -cmd 'PRAGMA synchronous=off' $journal.db >$journal.$writer 2>&1 &
		writers="$writers $!"
	done
	count=0
	for writer in $writers; do
		wait $writer && status=0 || status=$?
		say "$journal, writer $((count += 1))" "exit $status"
	done
	say "$journal, said" "$(cat $journal.[1-4] | sort -u)"
	say "$journal, mode" "$(sqlite3 $journal.db 'PRAGMA journal_mode')"
	say "$journal, integrity" "$(sqlite3 $journal.db 'PRAGMA integrity_check')"
	say "$journal, rows" "$(sqlite3 $journal.db 'SELECT count(*) FROM t')"
	say "$journal, content" "$(sqlite3 $journal.db .dump | sha256sum)"
done
"""


def run(place):
    return place.outcomes_of(SCRIPT.replace("ROWS", "40" if place.short else "500"))
