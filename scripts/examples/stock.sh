#!/bin/sh
# SPDX-License-Identifier: MIT
# Three shops sell from one sqlite3 database.

sqlite3 stock.db "create table stock (item integer primary key, left integer); insert into stock values (1, 1000)"
for shop in 1 2 3; do
	for sale in 1 2 3 4 5; do
		sqlite3 -cmd ".timeout 10000" stock.db "begin immediate; update stock set left = left - 1 where item = 1; commit"
	done &
done
wait
sqlite3 stock.db "select left || ' items left' from stock"
