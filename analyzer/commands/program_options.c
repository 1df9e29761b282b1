/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/program_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/launch/settings.h"

int usage_error(const char *command, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "flocktrace %s: ", command);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "; try 'flocktrace %s --help'\n", command);
	return EXIT_TROUBLE;
}

int check_settings(const char *command, bool quiet)
{
	const char *session = getenv("FLOCKTRACE_SESSION");
	char *trouble = settings_trouble();

	if (trouble) {
		fprintf(stderr, "flocktrace: %s\n", trouble);
		free(trouble);
		return EXIT_TROUBLE;
	}
	if (session && *session && !quiet)
		fprintf(stderr,
			"flocktrace: FLOCKTRACE_SESSION does not count: %s makes a session of its "
			"own\n",
			command);
	return 0;
}

int create_new_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		fprintf(stderr, "flocktrace: %s: %s\n", path,
			errno == EEXIST ? "exists already and is not overwritten"
					: strerror(errno));
	return fd;
}

bool copy_file(int from, int to)
{
	struct stat stat;
	off_t at = 0;

	if (fstat(from, &stat))
		return false;
	while (at < stat.st_size) {
		ssize_t copied = sendfile(to, from, &at, (size_t)(stat.st_size - at));

		if (!copied) /* cut short by somebody else */
			break;
		if (copied < 0 && errno != EINTR)
			return false;
	}
	return true;
}

char *default_trace_name(const char *program, int pid)
{
	const char *slash = strrchr(program, '/');

	return xasprintf("flocktrace.%s.%d.trace", slash && slash[1] ? slash + 1 : program, pid);
}

/* A word that the shell reads as the same word again. */
static void print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./,:+@%=";

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, stderr);
		return;
	}
	fputc('\'', stderr);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stderr);
		else
			fputc(*word, stderr);
	}
	fputc('\'', stderr);
}

void print_next(const char *command, char *const *words)
{
	fprintf(stderr, "Next: flocktrace %s", command);
	for (; *words; words++) {
		fputc(' ', stderr);
		print_word(*words);
	}
	fputc('\n', stderr);
}
