/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/vec.h"

struct environment {
	VEC(char *) vec;
	uint32_t own; /* so many of the first were made for it */
};

static bool names(const char *entry, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(entry, name, length) && entry[length] == '=';
}

/*
 * A shared ASan runtime ends the program unless it is the first library, or this says otherwise.
 * Order doesn't matter to it in truth: we export nothing that it replaces. LD_PRELOAD=libasan.so.8
 * before us would do for this program, but all its children would get the runtime as well: perl
 * and sort end with 1 then, programs with another sanitizer crash.
 *
 * Whoever has set ASAN_OPTIONS starts such programs, perhaps by way of make. Where it is not set it
 * is not made for all: there are test runners that take it for a sign of a build with ASan.
 */
#define ASAN_ORDER "verify_asan_link_order"

static char *asan_options(void)
{
	const char *before = getenv("ASAN_OPTIONS");

	if (before && strstr(before, ASAN_ORDER))
		return xasprintf("ASAN_OPTIONS=%s", before);
	return xasprintf("ASAN_OPTIONS=%s%s" ASAN_ORDER "=0", before ? before : "",
			 before && *before ? ":" : "");
}

/* Ours first: what was preloaded before keeps its order behind us. */
static char *preload_list(const char *preload)
{
	const char *before = getenv("LD_PRELOAD");

	return xasprintf("LD_PRELOAD=%s%s%s", preload, before && *before ? ":" : "",
			 before ? before : "");
}

static void build_environment(struct environment *environment,
			      const struct program_setting *setting)
{
	const char *before = getenv("LD_PRELOAD");
	bool asan = setting->shared_asan || (before && strstr(before, "libasan.so")) ||
		    getenv("ASAN_OPTIONS");

	vec_push(&environment->vec, xasprintf("FLOCKTRACE_SESSION=%s", setting->session));
	vec_push(&environment->vec, preload_list(setting->preload));
	if (asan)
		vec_push(&environment->vec, asan_options());
	environment->own = environment->vec.count;
	for (char **at = environ; *at; at++) {
		if (!names(*at, "LD_PRELOAD") && !names(*at, "FLOCKTRACE_SESSION") &&
		    !(asan && names(*at, "ASAN_OPTIONS")))
			vec_push(&environment->vec, *at);
	}
	vec_push(&environment->vec, NULL);
}

static void free_environment(struct environment *environment)
{
	for (uint32_t i = 0; i < environment->own; i++)
		free(environment->vec.items[i]);
	vec_free(&environment->vec);
}

/* In the child. */
static _Noreturn void run(char **argv, char **environment, int go, int error,
			  const struct signals *signals)
{
	char byte;
	int failed;
	ssize_t got;

	do {
		got = read(go, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got == 1) {
		signals_restore(signals);
		execvpe(argv[0], argv, environment);
		failed = errno;
		got = write(error, &failed, sizeof(failed));
	}
	_exit(127);
}

bool program_prepare(struct program *program, char **argv, const struct program_setting *setting,
		     const struct signals *signals)
{
	struct environment environment = { 0 };
	int go[2], error[2], failed;

	if (pipe2(go, O_CLOEXEC))
		return false;
	if (pipe2(error, O_CLOEXEC)) {
		failed = errno;
		close(go[0]);
		close(go[1]);
		errno = failed;
		return false;
	}
	build_environment(&environment, setting);
	program->pid = fork();
	failed = errno;
	if (program->pid == 0) {
		close(go[1]);
		run(argv, environment.vec.items, go[0], error[1], signals);
	}
	free_environment(&environment);
	close(go[0]);
	close(error[1]);
	program->go = go[1];
	program->error = error[0];
	if (program->pid > 0)
		return true;
	close(program->go);
	close(program->error);
	errno = failed;
	return false;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int program_go(struct program *program)
{
	int failed = 0;
	ssize_t got;

	got = write(program->go, "", 1);
	close(program->go);
	do {
		got = read(program->error, &failed, sizeof(failed));
	} while (got < 0 && errno == EINTR);
	close(program->error);
	if (got != (ssize_t)sizeof(failed))
		return 0;
	reap(program->pid);
	return failed;
}

void program_cancel(struct program *program)
{
	close(program->go);
	close(program->error);
	reap(program->pid);
}
