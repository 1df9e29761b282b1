/* SPDX-License-Identifier: MIT */
#include "analyzer/system/find_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"

#define DEFAULT_PATH "/bin:/usr/bin" /* of execvp() without PATH */
#define BLANKS	     " \t"

enum { HEAD_ROOM = 256 }; /* so much of the first line the kernel reads */

/* 0, or why it cannot be executed. */
static int not_executable(const char *path)
{
	struct stat file;

	if (stat(path, &file))
		return errno;
	if (!S_ISREG(file.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		return EACCES;
	return 0;
}

char *find_program(const char *name, const char *search)
{
	int error = ENOENT;

	if (strchr(name, '/')) {
		errno = not_executable(name);
		return errno ? NULL : xstrdup(name);
	}
	if (!search)
		search = getenv("PATH");
	if (!search)
		search = DEFAULT_PATH;
	for (bool more = *name; more;) {
		size_t length = strcspn(search, ":");
		char *path = xasprintf("%.*s%s%s", (int)length, search, length ? "/" : "./", name);
		int wrong = not_executable(path);

		if (!wrong)
			return path;
		if (wrong == EACCES)
			error = EACCES;
		free(path);
		more = search[length];
		search += length + more;
	}
	errno = error;
	return NULL;
}

void words_push(struct words *words, const char *word)
{
	vec_push(&words->vec, xstrdup(word));
}

void words_free(struct words *words)
{
	for (uint32_t i = 0; i < words->vec.count; i++)
		free(words->vec.items[i]);
	vec_free(&words->vec);
}

/* ---- Scripts -------------------------------------------------------------------------------- */

/* The beginning of a file, NUL-terminated; its length, 0: nothing to see. */
static size_t read_head(const char *path, char head[HEAD_ROOM])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t got = -1;

	if (fd >= 0) {
		got = read(fd, head, HEAD_ROOM - 1);
		close(fd);
	}
	head[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

bool script_runs(const char *path, const struct words *rest, struct words *runs)
{
	char head[HEAD_ROOM];
	char *at, *argument;
	size_t length = read_head(path, head);

	if (!length || !memcmp(head, "\177ELF", length < 4 ? length : 4))
		return false;
	if (!strncmp(head, "#!", 2)) {
		at = head + 2 + strspn(head + 2, BLANKS);
		at[strcspn(at, "\n")] = '\0';
		argument = at + strcspn(at, BLANKS);
		if (*argument) {
			*argument++ = '\0';
			argument += strspn(argument, BLANKS);
		}
		for (char *end = argument + strlen(argument);
		     end > argument && strchr(BLANKS, end[-1]);)
			*--end = '\0';
		words_push(runs, at);
		if (*argument)
			words_push(runs, argument);
	} else {
		/* The kernel refuses it, and execvp() gives it to the shell. */
		words_push(runs, "/bin/sh");
	}
	words_push(runs, path);
	for (uint32_t i = 0; i < rest->vec.count; i++)
		words_push(runs, rest->vec.items[i]);
	return true;
}

/* ---- env ------------------------------------------------------------------------------------ */

/* Of the words before the program. Quotes inside -S are not looked into. */
static void split_into(struct words *words, unsigned at, const char *text)
{
	struct words all = { 0 };

	for (uint32_t i = 0; i < at; i++)
		words_push(&all, words->vec.items[i]);
	while (*(text += strspn(text, BLANKS))) {
		size_t length = strcspn(text, BLANKS);
		char *word = xasprintf("%.*s", (int)length, text);

		vec_push(&all.vec, word);
		text += length;
	}
	for (uint32_t i = at + 1; i < words->vec.count; i++)
		words_push(&all, words->vec.items[i]);
	words_free(words);
	*words = all;
}

static bool begins(const char *word, const char *beginning)
{
	return !strncmp(word, beginning, strlen(beginning));
}

static bool preload_is_unset(const char *name)
{
	return !strcmp(name, "LD_PRELOAD");
}

struct env_command env_runs(struct words *words)
{
	struct env_command command = { 0 };
	unsigned i = 1;

	while (i < words->vec.count) {
		const char *word = words->vec.items[i];
		const char *next = i + 1 < words->vec.count ? words->vec.items[i + 1] : "";

		if (begins(word, "--split-string=")) {
			split_into(words, i, word + strlen("--split-string="));
			continue;
		}
		if (begins(word, "-S") || begins(word, "-vS")) {
			const char *text = strchr(word, 'S') + 1;

			if (!*text && i + 1 < words->vec.count) {
				char *joined = words->vec.items[i + 1];

				vec_remove(&words->vec, i + 1);
				split_into(words, i, joined);
				free(joined);
			} else {
				split_into(words, i, text);
			}
			continue;
		}
		if (!strcmp(word, "-") || !strcmp(word, "-i") ||
		    !strcmp(word, "--ignore-environment"))
			command.clears = true;
		else if (begins(word, "--unset="))
			command.clears |= preload_is_unset(word + strlen("--unset="));
		else if (!strcmp(word, "-u") || !strcmp(word, "--unset"))
			command.clears |= preload_is_unset(next), i++;
		else if (begins(word, "-u"))
			command.clears |= preload_is_unset(word + 2);
		else if (!strcmp(word, "-C") || !strcmp(word, "--chdir"))
			i++;
		else if (begins(word, "LD_PRELOAD="))
			command.clears = !strstr(word, "/libflocktrace.so");
		else if (begins(word, "PATH="))
			command.search = word + strlen("PATH=");
		else if (*word != '-' && !strchr(word, '='))
			break;
		i++;
	}
	command.program = i;
	return command;
}
