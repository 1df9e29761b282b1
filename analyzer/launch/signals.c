/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	int signal;
	bool ends;
} passed_on[] = {
	{ SIGTERM, true }, { SIGINT, true },   { SIGHUP, true },
	{ SIGQUIT, true }, { SIGUSR1, false }, { SIGUSR2, false },
};

/* What would end the launcher early, or hide its child's end. */
static const struct {
	int signal;
	void (*handler)(int);
} changed[SIGNALS_CHANGED] = {
	{ SIGXFSZ, SIG_IGN }, /* a file size limit: write() says EFBIG instead */
	{ SIGPIPE, SIG_IGN },
	{ SIGCHLD, SIG_DFL },
};

bool signals_take(struct signals *signals)
{
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++) {
		/* What nohup or a background job ignores is ignored here too. */
		if (!sigaction(passed_on[i].signal, NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(&set, passed_on[i].signal);
	}
	for (int i = 0; i < SIGNALS_CHANGED; i++) {
		struct sigaction wanted = { .sa_handler = changed[i].handler };

		sigaction(changed[i].signal, &wanted, &signals->found[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &signals->mask);
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals->fd >= 0;
}

void signals_restore(const struct signals *signals)
{
	for (int i = 0; i < SIGNALS_CHANGED; i++)
		sigaction(changed[i].signal, &signals->found[i], NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

bool signals_next(struct signals *signals, struct signals_event *event)
{
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	*event = (struct signals_event){ .signal = (int)info.ssi_signo,
					 .to_group = info.ssi_code == SI_KERNEL };
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++) {
		if (passed_on[i].signal == event->signal)
			event->ends = passed_on[i].ends;
	}
	return true;
}

void signals_exit_like(int wait_status)
{
	struct rlimit none = { 0, 0 };
	int signal;
	sigset_t set;

	fflush(NULL);
	if (WIFEXITED(wait_status))
		_exit(WEXITSTATUS(wait_status));
	signal = WTERMSIG(wait_status);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0); /* core_pattern pipes do not ask for the limit */
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + signal); /* PID 1 survives its own signals */
}
