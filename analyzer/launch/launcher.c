/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/launch/cannot_run.h"
#include "analyzer/launch/clock.h"
#include "analyzer/launch/coverage.h"
#include "analyzer/launch/drain.h"
#include "analyzer/launch/ending.h"
#include "analyzer/launch/hangs.h"
#include "analyzer/launch/preload.h"
#include "analyzer/launch/program.h"
#include "analyzer/launch/reaped.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/signals.h"
#include "analyzer/launch/trace_file.h"
#include "analyzer/launch/watch.h"
#include "analyzer/launch/writer.h"
#include "analyzer/system/checkup.h"
#include "analyzer/system/process.h"

enum { TROUBLE = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

#define EVENTS		   64
#define EVENT_SIGNAL	   (UINT64_C(1) << 32) /* beyond all slot numbers */
#define EVENT_CHILD	   (UINT64_C(2) << 32)
#define REPORT_AFTER	   (500 * MILLISECOND) /* so that it is out within a second */
#define UPDATE_INTERVAL	   (100 * MILLISECOND)
#define SURVIVORS_PATIENCE (100 * MILLISECOND) /* from exec to the recorder's constructor */
#define HOLES_PATIENCE	   (50 * MILLISECOND) /* for records that are being written at the very end */

struct launcher {
	const struct launch *launch;
	struct session session;
	struct signals signals;
	struct program program;
	struct trace_file_writer trace;
	struct drain drain;
	struct watch watch;
	struct coverage coverage;
	struct reaped reaped;
	struct hangs hangs;
	struct ending ending;
	int epoll, child_pidfd;
	int pause; /* ms */
	uint64_t report_at, update_at;
	bool attached, stop;
};

static int say(char *error)
{
	fprintf(stderr, "flocktrace: %s\n", error);
	free(error);
	return TROUBLE;
}

/* ---- The loop ------------------------------------------------------------------------------- */

/* What is told of processes; all else, also of what they hold and wait for, says nothing of new
 * ones.
 */
static bool tells_of_processes(enum record_kind kind)
{
	return kind == RECORD_PROCESS || kind == RECORD_CALL || kind == RECORD_CALL_RESULT;
}

static void seen(void *context, uint64_t position, const uint64_t *payload)
{
	struct launcher *launcher = context;

	hangs_record(&launcher->hangs, position, payload);
	if (!tells_of_processes(*(const uint8_t *)payload))
		return;
	reaped_record(&launcher->reaped, position, payload);
	coverage_hurry(&launcher->coverage);
}

static void reap_child(struct launcher *launcher)
{
	struct watch *watch = &launcher->watch;

	if (!watch->child || watch->child_reaped)
		return;
	if (waitpid(watch->child, &watch->child_status, WNOHANG) == watch->child)
		watch->child_reaped = true;
}

static void pass_on(struct launcher *launcher)
{
	struct signals_event event;

	while (signals_next(&launcher->signals, &event)) {
		if (launcher->attached) {
			launcher->stop |= event.ends;
			continue;
		}
		if (!event.to_group && !launcher->watch.child_reaped)
			kill(launcher->program.pid, event.signal);
		if (event.ends && !launcher->report_at)
			launcher->report_at = clock_now() + REPORT_AFTER;
	}
}

static void update_trace(void *context)
{
	struct launcher *launcher = context;

	watch_all(&launcher->watch);
	drain_step(&launcher->drain);
	trace_update(&launcher->trace, &launcher->session, launcher->drain.next);
}

static void timely(struct launcher *launcher, uint64_t now)
{
	if (now >= launcher->update_at) {
		trace_mark(&launcher->trace, launcher->drain.next);
		launcher->update_at = now + UPDATE_INTERVAL;
	}
	if (!launcher->report_at || now < launcher->report_at || launcher->ending.active)
		return;
	launcher->report_at = UINT64_MAX;
	update_trace(launcher);
	if (launcher->launch->interrupted)
		launcher->launch->interrupted(launcher->launch->context);
}

/* What is certain, at once; what lasts, when it has lasted long enough. */
static void end_if_needed(struct launcher *launcher, uint64_t now)
{
	const struct launch *launch = launcher->launch;

	if (launcher->ending.active || !hangs_must_end(&launcher->hangs, now))
		return;
	ending_begin(&launcher->ending, &launcher->watch, &launcher->coverage,
		     launcher->program.pid, launch->grace, now);
	launcher->coverage.ending = true;
}

static void wait_for_events(struct launcher *launcher)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(launcher->epoll, events, EVENTS, launcher->pause);

	reap_child(launcher);
	for (int i = 0; i < count; i++) {
		if (events[i].data.u64 == EVENT_SIGNAL)
			pass_on(launcher);
		else if (events[i].data.u64 < EVENT_SIGNAL)
			watch_ended(&launcher->watch, (uint32_t)events[i].data.u64);
	}
}

/* Fast while records come, slower and slower while none do. */
static void adapt(struct launcher *launcher, uint64_t drained)
{
	uint64_t ring = launcher->session.checked.ring_cells;
	int longest = drain_longest_pause(&launcher->session);

	if (drained > ring / 8)
		launcher->pause = 0;
	else if (drained)
		launcher->pause = 1;
	else
		launcher->pause = launcher->pause ? 2 * launcher->pause : 1;
	if (launcher->pause > longest)
		launcher->pause = longest;
	if (launcher->ending.active && launcher->pause > ENDING_PAUSE)
		launcher->pause = ENDING_PAUSE;
}

/* A deadlock is told after two equal looks: the second is not to come late. */
static void be_in_time(struct launcher *launcher, uint64_t now)
{
	uint64_t hurry = hangs_hurry(&launcher->hangs);
	uint64_t left = hurry > now ? (hurry - now + MILLISECOND - 1) / MILLISECOND : 1;

	if (left < (uint64_t)launcher->pause)
		launcher->pause = (int)left;
}

static bool is_over(const struct launcher *launcher)
{
	if (launcher->attached)
		return launcher->stop || (launcher->watch.scanned && !launcher->watch.alive);
	if (launcher->ending.active)
		return launcher->ending.done;
	return launcher->watch.child_reaped;
}

static void loop(struct launcher *launcher)
{
	while (!is_over(launcher)) {
		uint64_t drained, now;

		wait_for_events(launcher);
		drained = drain_step(&launcher->drain);
		adapt(launcher, drained);
		now = clock_now();
		watch_step(&launcher->watch, now);
		coverage_step(&launcher->coverage, now);
		reaped_judge(&launcher->reaped, now, launcher->drain.lapped > 0);
		hangs_look(&launcher->hangs, now);
		be_in_time(launcher, now);
		end_if_needed(launcher, now);
		ending_step(&launcher->ending, now);
		timely(launcher, now);
	}
}

/* ---- Beginning and end ---------------------------------------------------------------------- */

static bool add_event(struct launcher *launcher, int fd, uint64_t data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = data };

	return fd >= 0 && !epoll_ctl(launcher->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* A pidfd for each recorded process; the program has its own limit already. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static pid_t find_pid(const void *context, pid_t inner, uint64_t start_time)
{
	return coverage_find(context, inner, start_time);
}

static bool open_trace(struct launcher *launcher, char **error)
{
	const char *name = NULL;
	int fd = launcher->launch->open_trace(launcher->launch->context, launcher->program.pid,
					      &name);

	*error = NULL;
	return fd >= 0 && trace_begin(&launcher->trace, fd, name, &launcher->session,
				      drain_first(&launcher->session), error);
}

static void begin(struct launcher *launcher, const char *preload)
{
	pid_t child = launcher->attached ? 0 : launcher->program.pid;

	launcher->epoll = epoll_create1(EPOLL_CLOEXEC);
	add_event(launcher, launcher->signals.fd, EVENT_SIGNAL);
	watch_begin(&launcher->watch, &launcher->session, &launcher->trace, launcher->epoll);
	launcher->watch.child = child;
	launcher->watch.find = find_pid;
	launcher->watch.context = &launcher->coverage;
	reaped_begin(&launcher->reaped, &launcher->session);
	coverage_begin(&launcher->coverage, &launcher->session, &launcher->watch, &launcher->reaped,
		       preload, child);
	hangs_begin(&launcher->hangs,
		    &(struct hangs_around){ launcher->launch, &launcher->session, &launcher->watch,
					    &launcher->drain, find_pid, &launcher->coverage,
					    update_trace, launcher });
	drain_begin(&launcher->drain, &launcher->session, &launcher->trace, seen, launcher);
	launcher->update_at = clock_now() + UPDATE_INTERVAL;
}

/* Everything that has been written is copied; what is still being written gets a moment. */
static void drain_rest(struct launcher *launcher)
{
	uint64_t until = clock_now() + HOLES_PATIENCE;

	do {
		drain_step(&launcher->drain);
	} while (launcher->drain.holes.count && launcher->watch.alive && clock_now() < until &&
		 !usleep(1000));
}

/* Who was born in the last moment, or is about to end with the program, gets a moment too. */
static void hear_survivors(struct launcher *launcher)
{
	uint64_t until = clock_now() + SURVIVORS_PATIENCE;

	coverage_survivors(&launcher->coverage);
	while (coverage_is_waiting(&launcher->coverage) && clock_now() < until) {
		usleep(1000);
		watch_all(&launcher->watch);
		drain_step(&launcher->drain);
	}
}

static void finish(struct launcher *launcher)
{
	struct watch *watch = &launcher->watch;

	reap_child(launcher); /* it may have been ended by us, a moment ago */
	watch_all(watch);
	hangs_finish(&launcher->hangs);
	drain_step(&launcher->drain);
	hear_survivors(launcher);
	coverage_end(&launcher->coverage);
	if (watch->child)
		reaped_ours(&launcher->reaped, watch->child, watch->child_status,
			    launcher->launch->argv[0]);
	reaped_judge(&launcher->reaped, UINT64_MAX, launcher->drain.lapped > 0);
	if (!launcher->attached) {
		writer_run(&launcher->session, launcher->program.pid, launcher->launch->argv,
			   watch->child_status);
		atomic_store(&launcher->session.header->recording, 0);
	}
	drain_rest(launcher);
	watch_sweep(watch);
	trace_update(&launcher->trace, &launcher->session, launcher->drain.next);
}

static void release(struct launcher *launcher)
{
	drain_end(&launcher->drain);
	hangs_end(&launcher->hangs);
	ending_free(&launcher->ending);
	watch_end(&launcher->watch);
	reaped_end(&launcher->reaped);
	trace_end(&launcher->trace);
	close(launcher->epoll);
	if (launcher->child_pidfd >= 0)
		close(launcher->child_pidfd);
}

/* Says if it is known beforehand not to be recorded; tells whether its ASan runtime is shared. */
static bool check_up(const struct launch *launch)
{
	struct checkup checkup;
	const struct remark *remark = NULL;
	bool shared_asan = false;

	if (!checkup_program(&checkup, launch->argv)) {
		shared_asan = checkup_has(&checkup, OBSTACLE_ASAN);
		remark = checkup_first(&checkup, RECORDED_NOTHING);
	}
	if (remark && !launch->quiet)
		fprintf(stderr, "flocktrace: %s will not be recorded: %s; %s\n", checkup.image,
			obstacle_row(remark->obstacle)->what, remark->advice);
	checkup_free(&checkup);
	return shared_asan;
}

static int start_program(struct launcher *launcher, const char *preload)
{
	char **argv = launcher->launch->argv;
	struct program_setting setting = { .session = launcher->session.path,
					   .preload = preload,
					   .shared_asan = check_up(launcher->launch) };
	char *error = NULL;
	int failed;

	if (!program_prepare(&launcher->program, argv, &setting, &launcher->signals)) {
		fprintf(stderr, "flocktrace: fork: %s\n", strerror(errno));
		return TROUBLE;
	}
	if (!open_trace(launcher, &error)) {
		program_cancel(&launcher->program);
		return error ? say(error) : TROUBLE;
	}
	writer_run(&launcher->session, launcher->program.pid, argv, -1);
	failed = program_go(&launcher->program);
	if (!failed)
		return 0;
	say(cannot_run(argv[0], failed));
	return failed == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
}

static int run_in_session(struct launcher *launcher, const char *preload, int *status)
{
	int code = start_program(launcher, preload);

	if (code)
		return code;
	raise_descriptor_limit();
	begin(launcher, preload);
	launcher->child_pidfd = process_pidfd(launcher->program.pid);
	add_event(launcher, launcher->child_pidfd, EVENT_CHILD);
	coverage_step(&launcher->coverage, clock_now());
	loop(launcher);
	finish(launcher);
	*status = launcher->watch.child_status;
	release(launcher);
	return 0;
}

static int launch_in_session(struct launcher *launcher, const char *preload, int *status)
{
	char *error;
	int code;

	/* From here on signals wait until the session is gone again. */
	if (!signals_take(&launcher->signals))
		return say(xasprintf("signalfd: %s", strerror(errno)));
	if (session_create(&launcher->session, &error)) {
		code = run_in_session(launcher, preload, status);
		session_close(&launcher->session);
	} else {
		code = say(error);
	}
	close(launcher->signals.fd);
	return code;
}

int launch_program(const struct launch *launch, int *status)
{
	struct launcher launcher = { .launch = launch, .child_pidfd = -1 };
	char *error, *preload = preload_find(&error);
	int code = preload ? launch_in_session(&launcher, preload, status) : say(error);

	if (code && launch->discard_trace)
		launch->discard_trace(launch->context);
	free(preload);
	return code;
}

int launch_attached(const struct launch *launch, const char *session)
{
	struct launcher launcher = { .launch = launch, .attached = true, .child_pidfd = -1 };
	bool drained_already;
	char *error;

	if (!session_attach(&launcher.session, session, &error))
		return say(error);
	if (!open_trace(&launcher, &error)) {
		session_close(&launcher.session);
		return error ? say(error) : TROUBLE;
	}
	if (!signals_take(&launcher.signals)) {
		session_close(&launcher.session);
		return say(xasprintf("signalfd: %s", strerror(errno)));
	}
	drained_already = launcher.session.header->drained;
	launcher.session.header->drained = 1;
	begin(&launcher, "");
	launcher.watch.bury = !drained_already;
	loop(&launcher);
	finish(&launcher);
	if (!drained_already)
		launcher.session.header->drained = 0;
	release(&launcher);
	close(launcher.signals.fd);
	session_close(&launcher.session);
	return 0;
}
