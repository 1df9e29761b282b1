/* SPDX-License-Identifier: MIT */
#include "analyzer/system/wrapper.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum word { WORD_NOTHING, WORD_ROOT, WORD_USER };

struct wrapper {
	const char *name, *letters, *longs;
	int words;
	enum word word;
	const char *users, *clears;
};

static const struct wrapper wrappers[] = {
#define X(name, letters, longs, words, word, users, clears) \
	{ name, letters, longs, words, WORD_##word, users, clears },
#include "analyzer/system/wrappers.def"
#undef X
};

struct reading {
	const struct wrapper *wrapper;
	struct wrapped *wrapped;
	bool user_named, by_option;
};

static const struct wrapper *wrapper_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
		if (!strcmp(wrappers[i].name, name))
			return &wrappers[i];
	}
	return NULL;
}

/* Whether a list like "u,user" has the name of that length. */
static bool is_in(const char *list, const char *name, size_t length)
{
	while (*list) {
		size_t one = strcspn(list, ",");

		if (one == length && !memcmp(list, name, length))
			return true;
		list += one + (list[one] == ',');
	}
	return false;
}

/* A name or a number, perhaps with a group behind a colon. */
static bool is_another(const char *user)
{
	const struct passwd *entry;
	char name[256], *end;
	unsigned long number;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(user, ":"), user);
	entry = *name ? getpwnam(name) : NULL;
	if (entry)
		return entry->pw_uid != geteuid();
	number = strtoul(name, &end, 10);
	return *name && !*end && number != geteuid();
}

static void run_as(struct reading *reading, const char *user)
{
	reading->user_named = true;
	reading->wrapped->other_user |= is_another(user);
}

static void meet(struct reading *reading, const char *name, size_t length, const char *value)
{
	if (is_in(reading->wrapper->users, name, length)) {
		reading->by_option = true;
		run_as(reading, value);
	}
	if (is_in(reading->wrapper->clears, name, length))
		reading->wrapped->clears = true;
}

/* Returns whether its argument is the next word. */
static bool long_option(struct reading *reading, const char *name, const char *next)
{
	size_t length = strcspn(name, "=");
	bool takes_next = !name[length] && is_in(reading->wrapper->longs, name, length);

	meet(reading, name, length, name[length] ? name + length + 1 : takes_next ? next : "");
	return takes_next;
}

static bool letters(struct reading *reading, const char *word, const char *next)
{
	for (; *word; word++) {
		bool takes = strchr(reading->wrapper->letters, *word);

		meet(reading, word, 1, !takes ? "" : word[1] ? word + 1 : next);
		if (takes)
			return !word[1];
	}
	return false;
}

/* Without an option that names the user, the words of su are the user and what its shell is given.
 */
static bool is_program(const struct reading *reading, int before)
{
	const struct wrapper *wrapper = reading->wrapper;

	if (wrapper->words < 0)
		return wrapper->word == WORD_USER && reading->by_option;
	return before == wrapper->words;
}

static void plain_word(struct reading *reading, const char *word)
{
	if (reading->wrapper->word == WORD_USER)
		run_as(reading, word);
	if (reading->wrapper->word == WORD_ROOT)
		reading->wrapped->root = word;
}

static unsigned read_words(struct reading *reading, const struct words *words)
{
	bool options = true;
	int before = 0;
	unsigned i;

	for (i = 1; i < words->vec.count; i++) {
		const char *word = words->vec.items[i];
		const char *next = i + 1 < words->vec.count ? words->vec.items[i + 1] : "";

		if (options && !strcmp(word, "--"))
			options = false;
		else if (options && !strcmp(word, "-"))
			meet(reading, word, 1, "");
		else if (options && !strncmp(word, "--", 2))
			i += long_option(reading, word + 2, next);
		else if (options && *word == '-')
			i += letters(reading, word + 1, next);
		else if (is_program(reading, before))
			return i;
		else if (!before++)
			plain_word(reading, word);
	}
	return words->vec.count;
}

bool wrapper_runs(const char *name, const struct words *words, struct wrapped *wrapped)
{
	struct reading reading = { .wrapper = wrapper_of_name(name), .wrapped = wrapped };

	memset(wrapped, 0, sizeof(*wrapped));
	if (!reading.wrapper)
		return false;
	wrapped->program = read_words(&reading, words);
	if (reading.wrapper->word == WORD_USER && !reading.user_named)
		run_as(&reading, "root");
	return true;
}
