/* SPDX-License-Identifier: MIT */
#include "analyzer/system/obstacles.h"

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
	const char *advice;
} names[] = {
#define X(name, obstacle, advice) { name, OBSTACLE_##obstacle, advice },
#include "analyzer/system/elsewhere.def"
#undef X
};

const struct obstacle_row *obstacle_row(enum obstacle obstacle)
{
	return obstacle == OBSTACLE_NONE ? NULL : &rows[obstacle];
}

enum obstacle obstacle_of_name(const char *name, const char **advice)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i].name, name)) {
			*advice = names[i].advice;
			return names[i].obstacle;
		}
	}
	return OBSTACLE_NONE;
}
