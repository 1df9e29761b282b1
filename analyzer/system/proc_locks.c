/* SPDX-License-Identifier: MIT */
#include "analyzer/system/proc_locks.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *word; /* the kernel's */
	enum lock_kind kind;
} words[] = {
	{ "POSIX", LOCK_KIND_POSIX }, { "OFDLCK", LOCK_KIND_OFD },  { "FLOCK", LOCK_KIND_FLOCK },
	{ "LEASE", LOCK_KIND_LEASE }, { "DELEG", LOCK_KIND_LEASE },
};

#define KINDS (sizeof(words) / sizeof(*words))

const char *lock_kind_name(enum lock_kind kind)
{
	static const char *const names[] = { "POSIX", "OFD", "flock", "lease" };

	return names[kind];
}

/* Blanks, but not the end of the line. */
static void skip_blanks(const char **at)
{
	while (**at == ' ' || **at == '\t')
		++*at;
}

static bool take_word(const char **at, const char **word, size_t *length)
{
	skip_blanks(at);
	*word = *at;
	while (**at && !isspace((unsigned char)**at))
		++*at;
	*length = (size_t)(*at - *word);
	return *length > 0;
}

static bool take_number(const char **at, int base, uint64_t *value)
{
	char *end;

	skip_blanks(at);
	if (!isxdigit((unsigned char)**at))
		return false;
	errno = 0;
	*value = strtoull(*at, &end, base);
	if (end == *at || errno)
		return false;
	*at = end;
	return true;
}

static bool take(const char **at, char c)
{
	skip_blanks(at);
	if (**at != c)
		return false;
	++*at;
	return true;
}

static bool is(const char *word, size_t length, const char *text)
{
	return strlen(text) == length && !memcmp(word, text, length);
}

static bool take_kind(const char **at, struct kernel_lock *lock)
{
	const char *word;
	size_t length;

	if (!take_word(at, &word, &length))
		return false;
	for (size_t i = 0; i < KINDS; i++)
		if (is(word, length, words[i].word)) {
			lock->kind = words[i].kind;
			if (!take_word(at, &word, &length))
				return false;
			lock->breaking = is(word, length, "BREAKING");
			return true;
		}
	return false;
}

static bool take_mode(const char **at, struct kernel_lock *lock)
{
	const char *word;
	size_t length;

	if (!take_word(at, &word, &length))
		return false;
	lock->shared = is(word, length, "READ");
	lock->unlocks = is(word, length, "UNLCK");
	return lock->shared || lock->unlocks || is(word, length, "WRITE");
}

/* "123 fe:00:456", "123 <none>:0". */
static bool take_owner(const char **at, struct kernel_lock *lock)
{
	uint64_t pid, high, low;
	const char *word;
	size_t length;
	bool negative = take(at, '-');

	if (!take_number(at, 10, &pid) || pid > INT32_MAX)
		return false;
	lock->pid = negative ? -(int64_t)pid : (int64_t)pid;
	skip_blanks(at);
	lock->has_file = **at != '<';
	if (!lock->has_file)
		return take_word(at, &word, &length) && is(word, length, "<none>:0");
	if (!take_number(at, 16, &high) || !take(at, ':') || !take_number(at, 16, &low) ||
	    !take(at, ':') || high > UINT32_MAX || low > UINT32_MAX)
		return false;
	lock->device = makedev((unsigned)high, (unsigned)low);
	return take_number(at, 10, &lock->inode);
}

static bool take_range(const char **at, struct kernel_lock *lock)
{
	const char *word;
	size_t length;
	uint64_t last;

	if (!take_number(at, 10, &lock->start) || lock->start >= LOCK_TO_EOF)
		return false;
	skip_blanks(at);
	lock->end = LOCK_TO_EOF;
	if (**at == 'E')
		return take_word(at, &word, &length) && is(word, length, "EOF");
	if (!take_number(at, 10, &last) || last < lock->start || last >= LOCK_TO_EOF)
		return false;
	lock->end = last + 1;
	return true;
}

bool kernel_lock_parse(const char *line, struct kernel_lock *lock)
{
	const char *arrow;

	*lock = (struct kernel_lock){ 0 };
	if (!take_number(&line, 10, &lock->number) || !take(&line, ':'))
		return false;
	/* One blank is always there; each step deeper adds one before the arrow. */
	arrow = line;
	if (take(&line, '-')) {
		lock->depth = line - arrow > 2 ? (uint32_t)(line - arrow - 1) : 1;
		if (!take(&line, '>'))
			return false;
	}
	if (!take_kind(&line, lock) || !take_mode(&line, lock) || !take_owner(&line, lock) ||
	    !take_range(&line, lock))
		return false;
	skip_blanks(&line);
	return !*line || *line == '\n';
}

void kernel_locks_parse(struct kernel_locks *locks, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		struct kernel_lock lock;

		if (kernel_lock_parse(text, &lock))
			vec_push(&locks->vec, lock);
		else if (text != line_end)
			locks->strange++;
		text = line_end ? line_end + 1 : end;
	}
}

int kernel_locks_read(struct kernel_locks *locks)
{
	enum { ONE_READ = 1 << 16 };
	int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC), error = 0;
	size_t room = 0, length = 0;
	char *text = NULL;
	ssize_t got;

	*locks = (struct kernel_locks){ 0 };
	if (fd < 0)
		return errno;
	do {
		if (room < length + ONE_READ + 1)
			text = xrealloc(text, room = 2 * room + ONE_READ + 1);
		got = read(fd, text + length, ONE_READ);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		error = errno;
	close(fd);
	text[length] = '\0';
	if (!error)
		kernel_locks_parse(locks, text, length);
	free(text);
	return error;
}

void kernel_locks_free(struct kernel_locks *locks)
{
	vec_free(&locks->vec);
}

/* POSIX and OFD locks exclude each other; flock is a world of its own. */
static bool same_world(enum lock_kind one, enum lock_kind other)
{
	bool record = one == LOCK_KIND_POSIX || one == LOCK_KIND_OFD;
	bool other_record = other == LOCK_KIND_POSIX || other == LOCK_KIND_OFD;

	return one == other || (record && other_record);
}

bool kernel_locks_conflict(const struct kernel_lock *one, const struct kernel_lock *other)
{
	return same_world(one->kind, other->kind) && !(one->shared && other->shared) &&
	       one->start < other->end && other->start < one->end;
}
