/* SPDX-License-Identifier: MIT */
#include "preload/kept.h"

#include <string.h>
#include <sys/stat.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/process.h"
#include "trace/range.h"

/* "1: FLOCK  ADVISORY  WRITE 4711 fe:00:12 0 EOF" */
enum { KIND = 1, MODE = 3, TAKER = 4, START = 6, LAST = 7, WORDS };

/* Cuts the line into words; false: it has fewer. */
static bool split(char *line, char *word[WORDS])
{
	for (int i = 0; i < WORDS; i++) {
		while (*line == ' ')
			line++;
		if (!*line)
			return false;
		word[i] = line;
		line += strcspn(line, " ");
		if (*line)
			*line++ = '\0';
	}
	return true;
}

static uint64_t number(const char *digits)
{
	uint64_t value = 0;

	while (*digits >= '0' && *digits <= '9')
		value = value * 10 + (uint64_t)(*digits++ - '0');
	return value;
}

/* Whether /proc shows pids of our own namespace, and not of another one that it was mounted in. */
static bool proc_is_ours(void)
{
	char self[24];
	long length =
		raw4(SYS_readlinkat, -100 /* AT_FDCWD */, "/proc/self", self, sizeof(self) - 1);

	if (length <= 0)
		return false;
	self[length] = '\0';
	return number(self) == (uint64_t)recorder.pid;
}

/* POSIX locks are their process's, and stay behind. */
static bool parse(char *line, struct record_lock *record)
{
	char *word[WORDS];

	if (!split(line, word))
		return false;
	if (!strcmp(word[KIND], "FLOCK"))
		record->op = OP_FLOCK;
	else if (!strcmp(word[KIND], "OFDLCK"))
		record->op = OP_OFD_SETLK;
	else
		return false;
	record->flags = FLAG_KEPT | FLAG_INHERITED |
			(strcmp(word[MODE], "WRITE") ? FLAG_SHARED : FLAG_EXCLUSIVE);
	/* "-1" of an OFD lock counts as 0, like that of one outside the namespace. */
	record->outcome = OUTCOME(proc_is_ours() ? number(word[TAKER]) : 0, 0);
	record->start = number(word[START]);
	record->len_or_end = strcmp(word[LAST], "EOF") ? number(word[LAST]) + 1 : RANGE_EOF;
	return true;
}

static void record_line(int fd, char *line, uint64_t time)
{
	struct record_lock record = {
		.kind = RECORD_RESULT,
		.process = recorder.process,
		.tid = (uint32_t)raw0(SYS_gettid),
		.fd = fd,
		.time = time,
	};
	struct file file;

	if (!parse(line, &record))
		return;
	file_of(&file, fd, time); /* watched from here on */
	record.file = file.name;
	emit(&record);
}

static void ask(int fd)
{
	char name[FILE_PROC_ROOM], text[4096], *line, *end;
	uint64_t time = clock_monotonic(); /* what is told later than this is newer */

	file_proc(name, 0, "/fdinfo/", fd);
	text[process_read_file(name, text, sizeof(text) - 1)] = '\0';
	for (line = strstr(text, "\nlock:\t"); line; line = strstr(end, "\nlock:\t")) {
		line += 7;
		end = strchr(line, '\n');
		if (!end) /* cut off */
			return;
		*end = '\0';
		record_line(fd, line, time);
		*end = '\n';
	}
}

/* Pipes, terminals and sockets can be locked too, but nobody waits for that. */
static bool is_file(int fd)
{
	struct stat status;

	return !raw2(SYS_fstat, fd, &status) &&
	       (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

void kept_record(void)
{
	for (uint64_t open = recorder.open_fds; open; open &= open - 1) {
		int fd = __builtin_ctzll(open);

		if (is_file(fd))
			ask(fd);
	}
}
