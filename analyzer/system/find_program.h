/* SPDX-License-Identifier: MIT */
/* Where programs are found, and what a script is run by. */
#ifndef ANALYZER_SYSTEM_FIND_PROGRAM_H
#define ANALYZER_SYSTEM_FIND_PROGRAM_H

#include <stdbool.h>

#include "analyzer/base/vec.h"

/*
 * As execvp() finds it in `search` (NULL: the PATH of the environment): a path that the caller
 * frees, or NULL and errno.
 */
char *find_program(const char *name, const char *search);

/* A command line; all words are owned. */
struct words {
	VEC(char *) vec;
};

void words_push(struct words *words, const char *word);
void words_free(struct words *words);

/*
 * If the file is a script, *runs is the command line that runs it: interpreter, its argument if
 * there is one, the script; and then `rest`. False: it is none, or cannot be read.
 */
bool script_runs(const char *path, const struct words *rest, struct words *runs);

/* What env(1) makes of its arguments. */
struct env_command {
	unsigned program;   /* index of the word that it runs; the count of words: none */
	bool clears;	    /* LD_PRELOAD does not get through */
	const char *search; /* PATH=… among its arguments; NULL: none */
};

/* words.items[0] is env itself. Words of -S are put in where they stand. */
struct env_command env_runs(struct words *words);

#endif
