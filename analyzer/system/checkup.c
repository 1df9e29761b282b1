/* SPDX-License-Identifier: MIT */
#include "analyzer/system/checkup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/system/elf.h"
#include "analyzer/system/find_program.h"
#include "analyzer/system/wrapper.h"

enum { STEPS_MAX = 8 }; /* scripts run by scripts; the kernel itself gives up after four */

bool checkup_has(const struct checkup *checkup, enum obstacle obstacle)
{
	for (uint32_t i = 0; i < checkup->remarks.count; i++) {
		if (checkup->remarks.items[i].obstacle == obstacle)
			return true;
	}
	return false;
}

void checkup_remark(struct checkup *checkup, enum obstacle obstacle, const char *advice)
{
	struct remark remark = { obstacle, advice ? advice : obstacle_row(obstacle)->advice };

	if (!checkup_has(checkup, obstacle))
		vec_push(&checkup->remarks, remark);
}

const struct remark *checkup_first(const struct checkup *checkup, enum effect effect)
{
	for (uint32_t i = 0; i < checkup->remarks.count; i++) {
		if (obstacle_row(checkup->remarks.items[i].obstacle)->effect == effect)
			return &checkup->remarks.items[i];
	}
	return NULL;
}

void checkup_free(struct checkup *checkup)
{
	free(checkup->program);
	free(checkup->image);
	vec_free(&checkup->remarks);
}

/* ---- One file ------------------------------------------------------------------------------- */

/* Whether the rights that the file promises would be new to us: only then is execution secure. */
static enum obstacle privileges_gained(const char *path)
{
	enum obstacle privileges = elf_privileges(path);
	struct statvfs mount;
	struct stat file;
	bool gained = false;

	if (privileges == OBSTACLE_NONE || stat(path, &file) || statvfs(path, &mount) ||
	    mount.f_flag & ST_NOSUID || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return OBSTACLE_NONE;
	if (file.st_mode & S_ISUID)
		gained = file.st_uid != getuid();
	if ((file.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
	    file.st_gid != getgid()) {
		privileges = gained ? privileges : OBSTACLE_SETGID;
		gained = true;
	}
	if (privileges == OBSTACLE_CAPABILITIES)
		gained = getuid() != 0;
	return gained ? privileges : OBSTACLE_NONE;
}

static bool is_loader(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return !strncmp(name, "ld-linux", 8) || !strncmp(name, "ld-musl", 7) ||
	       !strncmp(name, "ld64.so", 7) || !strcmp(name, "ld.so");
}

static void look_at_file(struct checkup *checkup, const char *path)
{
	struct elf_summary elf;
	enum obstacle obstacle;
	char name[64];

	elf_look(path, &elf);
	if (elf.state == ELF_UNREADABLE)
		checkup_remark(checkup, OBSTACLE_UNREADABLE, NULL);
	obstacle = elf_obstacle(&elf);
	/* A loader has no loader, and preloads all the same. */
	if (obstacle != OBSTACLE_NONE && !(obstacle == OBSTACLE_STATIC && is_loader(path)))
		checkup_remark(checkup, obstacle, NULL);
	obstacle = privileges_gained(path);
	if (obstacle != OBSTACLE_NONE)
		checkup_remark(checkup, obstacle, NULL);
	if (elf_needs(path, "libasan.so", name, sizeof(name)) ||
	    elf_needs(path, "libclang_rt.asan", name, sizeof(name)))
		checkup_remark(checkup, OBSTACLE_ASAN, NULL);
}

/* ---- What runs in the end ------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void look_at_name(struct checkup *checkup, const char *path)
{
	const char *advice;
	enum obstacle obstacle = obstacle_of_name(base_name(path), &advice);

	if (obstacle != OBSTACLE_NONE)
		checkup_remark(checkup, obstacle, advice);
}

/* Takes the words before `first` away. */
static void drop_words(struct words *words, unsigned first)
{
	for (unsigned i = 0; i < first; i++) {
		free(words->vec.items[0]);
		vec_remove(&words->vec, 0);
	}
}

/* Sessions are made in /dev/shm, where nothing better is there. */
static bool is_other_root(const char *root)
{
	char *there = xasprintf("%s/dev/shm", root);
	struct stat theirs, ours;
	bool same = !stat(there, &theirs) && !stat("/dev/shm", &ours) &&
		    theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;

	free(there);
	return !same;
}

/* From a wrapper to what it runs: as step(). */
static bool step_behind(struct checkup *checkup, struct words *words, const struct wrapped *wrapped)
{
	if (wrapped->clears)
		checkup_remark(checkup, OBSTACLE_LOST_ENVIRONMENT, NULL);
	if (wrapped->other_user)
		checkup_remark(checkup, OBSTACLE_OTHER_USER, NULL);
	if (wrapped->root && is_other_root(wrapped->root)) {
		checkup_remark(checkup, OBSTACLE_OTHER_ROOT, NULL);
		return false; /* what it runs is not where we would look */
	}
	if (wrapped->program >= words->vec.count)
		return false;
	drop_words(words, wrapped->program);
	return true;
}

/* One step from a program to what it runs. False: it is the end. */
static bool step(struct checkup *checkup, struct words *words, char **search)
{
	struct words runs = { 0 };
	struct wrapped wrapped;
	char *path = checkup->image;

	if (wrapper_runs(base_name(path), words, &wrapped))
		return step_behind(checkup, words, &wrapped);
	if (!strcmp(base_name(path), "env")) {
		struct env_command env = env_runs(words);

		if (env.program >= words->vec.count)
			return false;
		if (env.clears)
			checkup_remark(checkup, OBSTACLE_LOST_ENVIRONMENT, NULL);
		if (env.search) {
			free(*search);
			*search = xstrdup(env.search);
		}
		drop_words(words, env.program);
		return true;
	}
	/* The path as found takes the place of the name in the interpreter's arguments. */
	drop_words(words, 1);
	if (!script_runs(path, words, &runs))
		return false;
	words_free(words);
	*words = runs;
	return true;
}

int checkup_program(struct checkup *checkup, char *const *argv)
{
	struct words words = { 0 };
	char *search = NULL;
	int error = 0;

	memset(checkup, 0, sizeof(*checkup));
	while (*argv)
		words_push(&words, *argv++);
	for (int steps = 0; steps < STEPS_MAX; steps++) {
		char *path = find_program(words.vec.items[0], search);

		if (!path) {
			/* What env does not find, env says. */
			error = checkup->program ? 0 : errno;
			break;
		}
		free(checkup->image);
		checkup->image = path;
		if (!checkup->program)
			checkup->program = xstrdup(path);
		look_at_name(checkup, path);
		if (!step(checkup, &words, &search))
			break;
	}
	if (!error)
		look_at_file(checkup, checkup->image);
	words_free(&words);
	free(search);
	return error;
}
