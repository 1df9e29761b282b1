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
	record->outcome = OUTCOME(number(word[TAKER]), 0); /* "-1" of an OFD lock counts as 0 */
	record->start = number(word[START]);
	record->len_or_end = strcmp(word[LAST], "EOF") ? number(word[LAST]) + 1 : RANGE_EOF;
	return true;
}

static void record_line(int fd, char *line)
{
	struct record_lock record = {
		.kind = RECORD_RESULT,
		.process = recorder.process,
		.tid = (uint32_t)raw0(SYS_gettid),
		.fd = fd,
		.time = clock_monotonic(),
	};
	struct file file;

	if (!parse(line, &record))
		return;
	file_of(&file, fd, record.time); /* watched from here on */
	record.file = file.name;
	emit(&record);
}

static void ask(int fd)
{
	char name[FILE_PROC_ROOM], text[4096], *line, *end;

	file_proc(name, 0, "/fdinfo/", fd);
	text[process_read_file(name, text, sizeof(text) - 1)] = '\0';
	for (line = strstr(text, "\nlock:\t"); line; line = strstr(end, "\nlock:\t")) {
		line += 7;
		end = strchr(line, '\n');
		if (!end) /* cut off */
			return;
		*end = '\0';
		record_line(fd, line);
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

void kept_record(uint64_t fds)
{
	for (; fds; fds &= fds - 1) {
		int fd = __builtin_ctzll(fds);

		if (is_file(fd))
			ask(fd);
	}
}
