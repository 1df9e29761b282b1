#!/bin/sh
# SPDX-License-Identifier: MIT
# A backup and two jobs share one lock file, each in another idiom of flock(1).

( flock 9; sleep 0.4 ) 9>jobs.lock & # the backup
sleep 0.1

flock jobs.lock sleep 0.2 & # a job

exec 8>jobs.lock # another job
flock 8
sleep 0.1
exec 8>&-

flock --nonblock jobs.lock true || echo "a third job gave up: somebody has jobs.lock" >&2
wait
