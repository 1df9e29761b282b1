/* SPDX-License-Identifier: MIT */
#include "analyzer/system/obstacles.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct obstacle_row rows[] = {
	[OBSTACLE_NONE] = { 0 },
#define X(id, word, effect, what, advice) \
	[OBSTACLE_##id] = { word, RECORDED_##effect, what, advice },
#include "analyzer/system/obstacles.def"
#undef X
};

static const struct {
	const char *name;
	enum obstacle obstacle;
	const char *advice, *options;
} names[] = {
#define X(name, obstacle, advice, options) { name, OBSTACLE_##obstacle, advice, options },
#include "analyzer/system/elsewhere.def"
#undef X
};

const struct obstacle_row *obstacle_row(enum obstacle obstacle)
{
	return obstacle == OBSTACLE_NONE ? NULL : &rows[obstacle];
}

/* Whether a word is this option, alone or with "=value". */
static bool is_option(const char *word, const char *option, size_t length)
{
	return !strncmp(word, option, length) &&
	       (!word[length] || (length > 2 && word[length] == '='));
}

static bool has_one(const char *options, char *const *arguments, uint32_t count)
{
	while (*options) {
		size_t length = strcspn(options, "|");

		for (uint32_t i = 0; i < count; i++) {
			if (is_option(arguments[i], options, length))
				return true;
		}
		options += length + (options[length] == '|');
	}
	return false;
}

enum obstacle obstacle_of_name(const char *name, char *const *arguments, uint32_t count,
			       const char **advice)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i].name, name) &&
		    (!*names[i].options || has_one(names[i].options, arguments, count))) {
			*advice = names[i].advice;
			return names[i].obstacle;
		}
	}
	return OBSTACLE_NONE;
}
