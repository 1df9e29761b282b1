/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/ending.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/launch/clock.h"
#include "analyzer/system/process.h"

#define PATIENCE (2000 * MILLISECOND) /* with those that even SIGKILL does not end at once */

/* ---- One of them ---------------------------------------------------------------------------- */

static void send(const struct target *target, int signal)
{
	if (target->pidfd < 0 ||
	    (syscall(SYS_pidfd_send_signal, target->pidfd, signal, NULL, 0) && errno == ENOSYS))
		kill(target->pid, signal);
}

/* Not the state: of a process whose first thread has ended that is 'Z', and others may go on. */
static bool is_over(const struct target *target)
{
	struct pollfd poller = { .fd = target->pidfd, .events = POLLIN };
	struct process_stat stat;

	if (target->pidfd >= 0)
		return poll(&poller, 1, 0) > 0;
	return !process_stat(target->pid, &stat) || stat.state == 'Z' || stat.state == 'X';
}

static void end_it(const struct ending *ending, const struct target *target)
{
	struct process_stat stat;

	send(target, ending->killing ? SIGKILL : SIGTERM);
	/* It would get the signal when somebody lets it go on. */
	if (!ending->killing && process_stat(target->pid, &stat) && stat.state == 'T')
		send(target, SIGCONT);
}

static bool contains(const struct pids *pids, pid_t pid)
{
	for (uint32_t i = 0; i < pids->vec.count; i++)
		if (pids->vec.items[i] == pid)
			return true;
	return false;
}

static bool is_target(const struct ending *ending, pid_t pid)
{
	for (uint32_t i = 0; i < ending->targets.count; i++)
		if (ending->targets.items[i].pid == pid && !ending->targets.items[i].over)
			return true;
	return false;
}

/* Nobody of whom we came, whatever it looks like: our own caller is not the program's child. */
static bool is_above_us(pid_t pid)
{
	struct process_stat stat;

	for (pid_t at = getpid(); at > 0 && process_stat(at, &stat); at = stat.parent)
		if (at == pid)
			return true;
	return false;
}

/*
 * What the caller knows of it must be true of the one that the pidfd is for: start_time, or its
 * parent (0: not asked).
 */
static void add(struct ending *ending, pid_t pid, uint64_t start_time, pid_t parent)
{
	struct target target = { .pid = pid };
	struct process_stat stat;

	if (pid <= 1 || is_target(ending, pid) || is_above_us(pid))
		return;
	target.pidfd = process_pidfd(pid);
	if (!process_stat(pid, &stat) || is_over(&target) ||
	    (start_time && start_time != stat.start_time) || (parent && parent != stat.parent)) {
		if (target.pidfd >= 0)
			close(target.pidfd);
		return;
	}
	vec_push(&ending->targets, target);
	end_it(ending, &target);
}

/* ---- All of them ---------------------------------------------------------------------------- */

/* Those whose parents are gone: nobody's lists have them any more. */
static void add_known(struct ending *ending)
{
	for (uint32_t i = 0; i < ending->coverage->kin.count; i++) {
		const struct kin *kin = &ending->coverage->kin.items[i];

		if (kin->ours && kin->start_time)
			add(ending, kin->pid, kin->start_time, 0);
	}
}

static void add_by_session(struct ending *ending)
{
	const struct coverage *coverage = ending->coverage;
	const char *path = coverage->session->path;
	struct pids pids = { 0 };

	descendants_started_with("FLOCKTRACE_SESSION", path, coverage->program_start, &pids);
	for (uint32_t i = 0; i < pids.vec.count; i++) {
		pid_t pid = pids.vec.items[i];
		struct process_stat stat;
		char *session = process_stat(pid, &stat)
					? process_environment(pid, "FLOCKTRACE_SESSION")
					: NULL;

		if (session && !strcmp(session, path))
			add(ending, pid, stat.start_time, 0);
		free(session);
	}
	vec_free(&pids.vec);
}

static void add_children_of(struct ending *ending, pid_t parent)
{
	struct pids children = { 0 }, parents = { .vec = { &parent, 1, 1 } };

	if (ending->coverage->has_lists)
		descendants_children(parent, &children);
	else
		descendants_scan(&parents, &children);
	for (uint32_t i = 0; i < children.vec.count; i++)
		if (parent != getpid() || !contains(&ending->spared, children.vec.items[i]))
			add(ending, children.vec.items[i], 0, parent);
	vec_free(&children.vec);
}

/* Those that others fork meanwhile are found by the next step. */
static void add_children(struct ending *ending)
{
	for (uint32_t i = 0; i < ending->targets.count; i++)
		if (!ending->targets.items[i].over)
			add_children_of(ending, ending->targets.items[i].pid);
	add_children_of(ending, getpid());
}

/* Of the orphans that came to us; the program's own end is the launcher's to see. */
static void reap(const struct ending *ending, const struct target *target)
{
	if (target->pid != ending->watch->child)
		waitpid(target->pid, NULL, WNOHANG);
}

static uint32_t look(struct ending *ending)
{
	uint32_t alive = 0;

	for (uint32_t i = 0; i < ending->targets.count; i++) {
		struct target *target = &ending->targets.items[i];

		if (!target->over && is_over(target)) {
			target->over = true;
			reap(ending, target);
			if (target->pidfd >= 0)
				close(target->pidfd);
		}
		alive += !target->over;
	}
	return alive;
}

void ending_begin(struct ending *ending, const struct watch *watch, const struct coverage *coverage,
		  pid_t program, uint64_t grace, uint64_t now)
{
	ending->watch = watch;
	ending->coverage = coverage;
	ending->active = true;
	ending->kill_at = now + grace;
	ending->give_up_at = ending->kill_at + PATIENCE;
	/* An early report is being written by one, and who starts us by exec may have others. */
	descendants_children(getpid(), &ending->spared);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	add(ending, program, 0, getpid());
	add_known(ending);
	add_children(ending);
	add_by_session(ending);
}

static void give_up(struct ending *ending)
{
	for (uint32_t i = 0; i < ending->targets.count; i++)
		if (!ending->targets.items[i].over)
			fprintf(stderr, "flocktrace: process %d does not end\n",
				(int)ending->targets.items[i].pid);
	ending->done = true;
}

void ending_step(struct ending *ending, uint64_t now)
{
	uint32_t alive;

	if (!ending->active || ending->done || now < ending->next_step)
		return;
	ending->next_step = now + ENDING_PAUSE * MILLISECOND;
	alive = look(ending);
	if (now >= ending->kill_at && !ending->killing) {
		ending->killing = true;
		for (uint32_t i = 0; i < ending->targets.count; i++)
			if (!ending->targets.items[i].over)
				end_it(ending, &ending->targets.items[i]);
	}
	add_children(ending);
	if (!alive)
		add_by_session(ending);
	if (!look(ending))
		ending->done = true;
	else if (now >= ending->give_up_at)
		give_up(ending);
}

void ending_free(struct ending *ending)
{
	for (uint32_t i = 0; i < ending->targets.count; i++)
		if (!ending->targets.items[i].over && ending->targets.items[i].pidfd >= 0)
			close(ending->targets.items[i].pidfd);
	vec_free(&ending->targets);
	vec_free(&ending->spared.vec);
}
