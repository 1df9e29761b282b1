/* SPDX-License-Identifier: MIT */
/* Why something is not recorded: the table of obstacles.def. */
#ifndef ANALYZER_SYSTEM_OBSTACLES_H
#define ANALYZER_SYSTEM_OBSTACLES_H

enum obstacle {
	OBSTACLE_NONE,
#define X(id, ...) OBSTACLE_##id,
#include "analyzer/system/obstacles.def"
#undef X
};

enum effect { RECORDED_NOTHING, RECORDED_PART, RECORDED_WHOLE };

struct obstacle_row {
	const char *word;
	enum effect effect;
	const char *what, *advice; /* half sentences, without a full stop */
};

/* NULL for OBSTACLE_NONE. */
const struct obstacle_row *obstacle_row(enum obstacle obstacle);

/*
 * The obstacle that lies in being the program of this file name ("docker"), and *advice for it;
 * OBSTACLE_NONE otherwise. An argument list decides nothing here.
 */
enum obstacle obstacle_of_name(const char *name, const char **advice);

#endif
