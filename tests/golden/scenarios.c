/* SPDX-License-Identifier: MIT */
#include "tests/golden/scenarios.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "analyzer/stats/builder.h"
#include "tests/golden/fake_symbols.h"
#include "trace/names.h"

#define MS	     UINT64_C(1000000)
#define S	     (1000 * MS)
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* 2026-03-01T03:12:00Z at monotonic time 0. */
#define WALL_OFFSET INT64_C(1772334720000000000)

enum { CASHIER, CLERK, BACKUP, LOGGER, STRANGER };
enum { ORDERS, LOG, ODD_NAME, NO_PATH };
enum { LIBC, SHOP, LOGGER_EXE, BACKUP_EXE, PYTHON };
enum {
	SAVING,
	LOADING,
	LOGGING,
	BACKING_UP,
	PAYING,
	IN_LIBC,
	GENERATED,
	IN_PYTHON,
	IN_STRIPPED_PYTHON,
	IN_SCRIPT
};

static struct process_info processes[] = {
	{ .id = 1, .pid = 4699, .ppid = 4600, .command = "cashier", .exe = "/srv/shop/cashier" },
	{ .id = 2, .pid = 4711, .ppid = 4600, .command = "clerk", .exe = "/srv/shop/clerk" },
	{ .id = 3, .pid = 4720, .ppid = 4600, .command = "backup", .exe = "/usr/bin/backup" },
	{ .id = 4, .pid = 4731, .ppid = 1, .command = "log\ter", .exe = "/usr/bin/log\ter" },
};

static const struct file_info files[] = {
	{ .device = 2049, .inode = UINT64_C(9007199254740993), .path = "/srv/shop/orders.db" },
	{ .device = 2049, .inode = 12, .path = "/var/log/shop.log" },
	{ .device = 2049, .inode = 13, .path = "/srv/shop/caf\xc3\xa9\n\x1b[31m\xff.lock" },
	{ .device = 2050, .inode = 14, .path = "" },
};

static const struct module_info modules[] = {
	{ .path = "/lib/x86_64-linux-gnu/libc.so.6" },
	{ .path = "/srv/shop/bin/shop" },
	{ .path = "/usr/bin/logger" },
	{ .path = "/usr/bin/backup" },
	{ .path = "/usr/bin/python3.11" },
};

static const struct script_frame script[] = {
	{ "/srv/shop/stock.py", "Stock.count", 31 },
	{ "/srv/shop/stock.py", "<module>", 77 },
};

#define STACK(...)                                                                       \
	{                                                                                \
		.frames = (const struct frame[]){ __VA_ARGS__ },                         \
		.count = sizeof((struct frame[]){ __VA_ARGS__ }) / sizeof(struct frame), \
	}

static struct stack_info stacks[] = {
	[SAVING] = STACK({ LIBC, FAKE_FCNTL }, { SHOP, FAKE_SAVE }, { SHOP, FAKE_MAIN }),
	[LOADING] = STACK({ LIBC, FAKE_FCNTL }, { SHOP, FAKE_LOAD }, { SHOP, FAKE_MAIN }),
	[LOGGING] = STACK({ LIBC, FAKE_NOTHING }, { LOGGER_EXE, FAKE_INLINED }),
	[BACKING_UP] = STACK({ BACKUP_EXE, FAKE_NO_SOURCE }, { BACKUP_EXE, FAKE_NOTHING }),
	[PAYING] = STACK({ LIBC, FAKE_FCNTL }, { SHOP, FAKE_CPP }),
	[IN_LIBC] = STACK({ LIBC, FAKE_FCNTL }),
	[GENERATED] = STACK({ NONE, 0x7f1200 }),
	[IN_PYTHON] = STACK({ LIBC, FAKE_FCNTL }, { PYTHON, FAKE_SAVE }, { PYTHON, FAKE_CFUNCTION },
			    { PYTHON, FAKE_EVAL }),
	[IN_STRIPPED_PYTHON] = STACK({ PYTHON, FAKE_NOTHING }, { PYTHON, FAKE_EVAL }),
	[IN_SCRIPT] = { .frames = (const struct frame[]){ { LIBC, FAKE_FCNTL },
							  { PYTHON, FAKE_EVAL } },
			.count = 2,
			.scripts = script,
			.script_count = COUNT(script) },
};

static const struct untraced_info untraced[] = {
	{ .pid = 4800, .exe = "/usr/local/bin/go-app", .reason = "static" },
	{ .pid = 4801, .exe = "/usr/bin/sudo", .reason = "setuid" },
	{ .pid = 4802, .exe = "/usr/local/bin/go-app", .reason = "static" },
};

static struct catalog catalog;
static struct model_callbacks model;
static struct report_builder *builder_now;

static void reset(void)
{
	catalog = (struct catalog){
		.processes = processes,
		.process_count = COUNT(processes),
		.files = files,
		.file_count = COUNT(files),
		.modules = modules,
		.module_count = COUNT(modules),
		.stacks = stacks,
		.stack_count = COUNT(stacks),
		.untraced = untraced,
		.run = { .command = "make shop", .begin = 1 * S, .end = 61 * S, .tool = "0.1.0" },
		.quality = { .events = 12345,
			     .records = 13000,
			     .first_time = 1 * S,
			     .last_time = 61 * S },
		.wall_offset = WALL_OFFSET,
	};
	stacks[LOADING].truncated = true;
	for (size_t i = 0; i < COUNT(processes); i++)
		processes[i].dead = true, processes[i].status = -1, processes[i].arguments = "";
}

static struct hold hold_of(uint32_t process, uint32_t stack, uint64_t start, uint64_t end)
{
	return (struct hold){
		.mode = MODE_EXCLUSIVE,
		.start = start,
		.end = end,
		.process = process,
		.tid = (uint32_t)processes[process].pid,
		.keeper = process,
		.stack = stack,
		.how = HOLD_RELEASED,
	};
}

static struct wait wait_of(uint32_t process, uint32_t stack, uint64_t start, uint64_t end)
{
	return (struct wait){
		.process = process,
		.tid = (uint32_t)processes[process].pid,
		.stack = stack,
		.op = OP_FCNTL_SETLKW,
		.mode = MODE_EXCLUSIVE,
		.start = start,
		.end = end,
	};
}

/* Reports a wait, and the request that it ended as. */
static void waited(struct wait wait, uint64_t begin, uint64_t finish,
		   const struct overlap *overlaps, uint32_t count)
{
	struct request request = {
		.process = wait.process,
		.tid = wait.tid,
		.file = wait.file,
		.stack = wait.stack,
		.op = wait.op,
		.world = wait.world,
		.mode = wait.mode,
		.may_block = true,
		.start = wait.start,
		.end = wait.end,
		.begin = begin,
		.duration = finish - begin,
		.error = wait.error,
		.waited = true,
	};

	wait.begin = begin;
	wait.finish = finish;
	wait.overlaps = overlaps;
	wait.overlap_count = count;
	model.wait(model.context, &wait);
	if (wait.outcome == OUTCOME_GRANTED || wait.outcome == OUTCOME_FAILED)
		model.request(model.context, &request);
}

static void held(struct hold hold, uint64_t granted, uint64_t released)
{
	hold.granted = hold.asked = granted;
	hold.released = hold.gone = released;
	model.hold(model.context, &hold);
}

static void requests(uint64_t count, struct request request)
{
	for (uint64_t i = 0; i < count; i++)
		model.request(model.context, &request);
}

static const struct request lock_orders = {
	.process = CASHIER,
	.file = ORDERS,
	.stack = SAVING,
	.op = OP_FCNTL_SETLK,
	.mode = MODE_EXCLUSIVE,
	.end = 100,
};

static void one_wait(void)
{
	struct overlap overlap = { hold_of(CASHIER, SAVING, 0, 100), 7 * S, 7 * S + 1203 * MS };

	waited(wait_of(CLERK, LOADING, 0, 100), 7 * S, 7 * S + 1203 * MS, &overlap, 1);
	held(hold_of(CASHIER, SAVING, 0, 100), 6 * S, 7 * S + 1203 * MS);
}

static void several_holders(void)
{
	struct wait wait = wait_of(CLERK, LOADING, 0, RANGE_TO_EOF);
	struct overlap overlaps[] = {
		{ hold_of(CASHIER, SAVING, 0, 100), 10 * S, 16 * S },
		{ hold_of(BACKUP, BACKING_UP, 100, RANGE_TO_EOF), 10 * S, 20 * S },
		{ hold_of(CASHIER, PAYING, 100, 200), 16 * S, 19 * S },
		{ hold_of(LOGGER, IN_LIBC, 300, 400), 11 * S, 12 * S },
	};

	overlaps[1].hold.mode = MODE_SHARED;
	wait.tid = 4713;
	wait.holder_unknown = true;
	waited(wait, 10 * S, 22 * S, overlaps, COUNT(overlaps));
	held(overlaps[1].hold, 9 * S, 20 * S);
}

static void failures(void)
{
	struct wait deadlock = wait_of(CLERK, PAYING, 4, 5), abandoned = deadlock;
	struct overlap overlap = { hold_of(CASHIER, SAVING, 0, 100), 30 * S, 31 * S };

	deadlock.outcome = OUTCOME_FAILED;
	deadlock.error = EDEADLK;
	waited(deadlock, 30 * S, 31 * S, &overlap, 1);
	abandoned.outcome = OUTCOME_ABANDONED;
	abandoned.stack = GENERATED;
	abandoned.file = NO_PATH;
	waited(abandoned, 32 * S, 32 * S + 50 * MS, NULL, 0);
	requests(12, (struct request){ .file = ODD_NAME,
				       .stack = LOADING,
				       .op = OP_LOCKF_TLOCK,
				       .mode = MODE_EXCLUSIVE,
				       .end = RANGE_TO_EOF,
				       .error = EAGAIN });
	requests(1, (struct request){ .file = NONE,
				      .stack = NONE,
				      .op = OP_FLOCK,
				      .mode = MODE_EXCLUSIVE,
				      .world = FLOCK_LOCKS,
				      .error = EBADF });
}

static void flock_at_the_end(void)
{
	struct wait wait = wait_of(LOGGER, LOGGING, 0, RANGE_TO_EOF);
	struct overlap overlap = { hold_of(BACKUP, BACKING_UP, 0, RANGE_TO_EOF), 51 * S, 61 * S };

	wait.file = LOG;
	wait.world = overlap.hold.world = FLOCK_LOCKS;
	wait.op = OP_FLOCK;
	wait.mode = MODE_SHARED;
	wait.outcome = OUTCOME_WAITING;
	overlap.hold.file = LOG;
	overlap.hold.how = HOLD_OPEN;
	waited(wait, 51 * S, 61 * S, &overlap, 1);
	held(overlap.hold, 50 * S, 61 * S);
}

static void busy(void)
{
	one_wait();
	several_holders();
	failures();
	flock_at_the_end();
	catalog.untraced_count = COUNT(untraced);
	catalog.quality.lost = 1204;
	catalog.quality.holes = 1;
	catalog.quality.lost_stacks = 2;
}

/* A flight recorder that is looked at while it records. */
static void live(void)
{
	struct event lost = { .kind = EVENT_LOST, .position = 5, .lost = { .records = 70000 } };
	struct event first = { .kind = EVENT_PROCESS,
			       .position = 70005,
			       .time = 9 * S,
			       .process = CASHIER,
			       .tid = 4699 };

	report_builder_event(builder_now, &lost);
	report_builder_event(builder_now, &first);
	flock_at_the_end();
	flock_at_the_end();
	catalog.run.live = true;
	catalog.run.command = "";
	catalog.run.begin = catalog.run.end = 0;
	catalog.run.status = -1;
	catalog.quality.lost = 70000;
}

/* Killed, exited and for all we know just gone while they waited. */
static void cut_off(void)
{
	static const uint32_t dead[] = { CLERK, BACKUP, LOGGER };
	struct overlap overlap = { hold_of(CASHIER, SAVING, 0, 100), 3 * S, 4 * S };

	processes[CLERK].status = SIGKILL;
	processes[BACKUP].status = W_EXITCODE(3, 0);
	for (size_t i = 0; i < COUNT(dead); i++) {
		struct wait wait = wait_of(dead[i], LOADING, 0, 100);

		wait.outcome = OUTCOME_DIED;
		overlap.end = 4 * S - i * MS;
		waited(wait, 3 * S, overlap.end, &overlap, 1);
	}
}

/* A culprit is what a script called, and the script; of a stripped interpreter only that. */
static void interpreted(uint32_t stack, const char *arguments)
{
	struct overlap overlap = { hold_of(CASHIER, stack, 0, 100), 3 * S, 4 * S };

	processes[CASHIER].arguments = arguments;
	waited(wait_of(CLERK, stack, 0, 100), 3 * S, 4 * S, &overlap, 1);
}

static void python(void)
{
	interpreted(IN_PYTHON, "");
}

static void python_with_arguments(void)
{
	interpreted(
		IN_PYTHON,
		"python3 worker.py --all\tthe --tables --of --the --shop --and --of --the --stock");
}

static void stripped_python(void)
{
	interpreted(IN_STRIPPED_PYTHON, "");
}

static void python_script(void)
{
	interpreted(IN_SCRIPT, "");
}

static void brief_waits(uint64_t count, enum outcome outcome)
{
	struct wait wait = wait_of(CLERK, LOADING, 0, 100);
	struct overlap overlap = { hold_of(CASHIER, SAVING, 0, 100), 20 * S, 20 * S };

	wait.outcome = outcome;
	for (uint64_t i = 0; i < count; i++)
		overlap.end = 20 * S + 50000 + i * 1000;
	waited(wait, 20 * S, overlap.end, &overlap, 1);
}

/* Two that cost time, many that don't, and a short one that would not have been. */
static void some_brief(void)
{
	one_wait();
	one_wait();
	brief_waits(20, OUTCOME_GRANTED);
	brief_waits(1, OUTCOME_WAITING);
}

static void all_brief(void)
{
	brief_waits(20, OUTCOME_GRANTED);
}

static void unknown_holders(void)
{
	struct wait wait = wait_of(CLERK, NONE, 0, 100);

	wait.holder_unknown = true;
	waited(wait, 3 * S, 4 * S, NULL, 0);
	waited(wait, 5 * S, 7 * S, NULL, 0);
}

static uint64_t position;

static struct event lock_event(enum event_kind kind, uint32_t process, uint32_t stack,
			       enum mode mode, uint64_t time)
{
	return (struct event){
		.kind = kind,
		.position = ++position,
		.time = time,
		.process = process,
		.tid = (uint32_t)processes[process].pid,
		.file = ORDERS,
		.stack = stack,
		.lock = { .op = mode == MODE_UNLOCK ? OP_FCNTL_SETLK : OP_FCNTL_SETLKW,
			  .mode = mode,
			  .may_block = mode != MODE_UNLOCK,
			  .has_request = true,
			  .fd = 3,
			  .end = 100 },
	};
}

static void born(uint32_t process, uint64_t time)
{
	struct event event = { .kind = EVENT_PROCESS,
			       .position = ++position,
			       .time = time,
			       .process = process,
			       .tid = (uint32_t)processes[process].pid,
			       .file = NONE,
			       .stack = NONE,
			       .born = { .birth = BIRTH_START, .parent = NONE } };

	report_builder_event(builder_now, &event);
}

static void asks(uint32_t process, uint32_t stack, enum mode mode, uint64_t time)
{
	struct event event = lock_event(EVENT_REQUEST, process, stack, mode, time);

	report_builder_event(builder_now, &event);
}

static void gets(uint32_t process, uint32_t stack, uint64_t asked, uint64_t duration)
{
	struct event event = lock_event(EVENT_RESULT, process, stack, MODE_EXCLUSIVE, asked);

	event.lock.duration = duration;
	report_builder_event(builder_now, &event);
}

/* Through the model too: the cashier holds while two wait; only one of them gets its turn. */
static void replayed(void)
{
	struct event end = {
		.kind = EVENT_END, .time = 61 * S, .process = NONE, .file = NONE, .stack = NONE
	};

	position = 0;
	for (uint32_t i = CASHIER; i <= BACKUP; i++)
		born(i, 1 * S);
	asks(CASHIER, SAVING, MODE_EXCLUSIVE, 2 * S);
	gets(CASHIER, SAVING, 2 * S, 4000);
	asks(CLERK, LOADING, MODE_EXCLUSIVE, 3 * S);
	asks(BACKUP, BACKING_UP, MODE_EXCLUSIVE, 4 * S);
	asks(CASHIER, SAVING, MODE_UNLOCK, 23 * S);
	gets(CLERK, LOADING, 3 * S, 20 * S + 50000);
	position++;
	end.position = ++position;
	report_builder_event(builder_now, &end);
}

static void looked(uint32_t process, uint64_t since, uint64_t until, enum doing doing, int32_t call,
		   uint32_t looks)
{
	struct event event = { .kind = EVENT_DOING,
			       .position = ++position,
			       .time = until,
			       .process = process,
			       .tid = (uint32_t)processes[process].pid,
			       .file = ORDERS,
			       .stack = NONE,
			       .doing = { .doing = doing,
					  .call = call,
					  .looks = looks,
					  .world = RECORD_LOCKS,
					  .end = 100,
					  .since = since } };

	report_builder_event(builder_now, &event);
}

/* The cashier is seen at the disk, or on its way there, before the clerk waits too; who has it for
 * a moment is not seen often enough. */
static void looked_at(void)
{
	struct overlap overlap = { hold_of(CASHIER, SAVING, 0, 100), 7 * S, 17 * S };
	struct overlap moment = { hold_of(CLERK, LOADING, 0, 100), 18 * S, 18 * S + 50 * MS };

	looked(CASHIER, 6 * S, 8 * S, DOING_IO, SYS_fsync, 80);
	looked(CASHIER, 8 * S, 17 * S, DOING_IO, SYS_fsync, 300);
	looked(CASHIER, 8 * S, 17 * S, DOING_SLEEPS, SYS_fsync, 20);
	looked(CASHIER, 8 * S, 17 * S, DOING_RUNS, CALL_UNKNOWN, 60);
	looked(CASHIER, 8 * S, 17 * S, DOING_WAITS, CALL_UNKNOWN, 30);
	looked(CASHIER, 8 * S, 17 * S, DOING_SLEEPS, SYS_nanosleep, 2);
	looked(CLERK, 18 * S, 18 * S + 50 * MS, DOING_STOPPED, CALL_UNKNOWN, 3);
	waited(wait_of(CLERK, LOADING, 0, 100), 7 * S, 17 * S, &overlap, 1);
	waited(wait_of(BACKUP, BACKING_UP, 0, 100), 18 * S, 18 * S + 50 * MS, &moment, 1);
}

/* Nobody watched: the cashier, who holds, and the clerk, who waits, are found dead afterwards; so
 * is the backup, which had said that it exits. */
static void found_dead(void)
{
	struct event event = { .kind = EVENT_CALL,
			       .process = BACKUP,
			       .file = NONE,
			       .stack = NONE,
			       .call = { .call = EXIT_PROCESS } };

	position = 0;
	for (uint32_t i = CASHIER; i <= BACKUP; i++)
		born(i, 1 * S);
	asks(BACKUP, BACKING_UP, MODE_EXCLUSIVE, 2 * S);
	gets(BACKUP, BACKING_UP, 2 * S, 4000);
	event.position = ++position;
	event.time = 3 * S;
	report_builder_event(builder_now, &event);
	asks(CASHIER, SAVING, MODE_EXCLUSIVE, 9 * S);
	gets(CASHIER, SAVING, 9 * S, 4000);
	asks(CLERK, LOADING, MODE_EXCLUSIVE, 10 * S);
	event = (struct event){ .kind = EVENT_DEATH, .time = 61 * S, .death = { .late = true } };
	for (event.process = CASHIER; event.process <= BACKUP; event.process++)
		report_builder_event(builder_now, &event);
	event.kind = EVENT_END;
	event.position = ++position;
	report_builder_event(builder_now, &event);
}

static void quiet(void)
{
	requests(1204, lock_orders);
}

static void quiet_with_errors(void)
{
	struct request failing = lock_orders;

	failing.error = ENOLCK;
	requests(10, lock_orders);
	requests(3, failing);
}

/* Nobody blocks, nobody comes again. */
static void polling(void)
{
	struct request refused = lock_orders, query = lock_orders, bad = lock_orders;

	refused.error = EAGAIN;
	query.op = OP_FCNTL_GETLK;
	query.query = query.found = true;
	query.tid = 600;
	bad.error = EBADF;
	requests(1180, lock_orders);
	for (refused.tid = 500; refused.tid < 520; refused.tid++)
		requests(1, refused);
	requests(1, query);
	query.tid++;
	requests(1, query);
	requests(2, bad);
	requests(900, (struct request){ .file = ORDERS, .mode = MODE_UNLOCK, .end = 100 });
}

/* As SQLite does it: one gets it, one gives up, one tries still, and one asks before it blocks. */
static void tried_again(void)
{
	struct request attempt = lock_orders, failed;
	struct hold hold = hold_of(CASHIER, SAVING, 0, 100);
	struct overlap overlap = { hold, 9900 * MS, 9950 * MS };
	struct wait blocked = wait_of(BACKUP, BACKING_UP, 0, 100);

	attempt.duration = 1000;
	failed = attempt;
	failed.error = EAGAIN;
	for (uint64_t i = 0; i < 20; i++) {
		failed.process = failed.tid = CLERK;
		failed.stack = LOADING;
		failed.begin = 7 * S + i * 100 * MS;
		requests(1, failed);
		failed.process = failed.tid = LOGGER;
		failed.stack = LOGGING;
		failed.begin += i < 5 ? MS : 950 * MS;
		if (i < 5 || i >= 15)
			requests(1, failed);
	}
	held(hold, 6 * S, 8950 * MS);
	attempt.process = attempt.tid = CLERK;
	attempt.begin = 9 * S;
	requests(1, attempt);
	failed.process = BACKUP;
	failed.tid = (uint32_t)processes[BACKUP].pid;
	failed.begin = 9890 * MS;
	requests(1, failed);
	held(hold, 9800 * MS, 9899 * MS);
	waited(blocked, 9900 * MS, 9950 * MS, &overlap, 1);
	report_builder_event(builder_now,
			     &(struct event){ .kind = EVENT_END, .time = 10 * S, .position = 1 });
}

static void polling_but_unseen(void)
{
	polling();
	catalog.untraced_count = 1;
}

/* ( flock 9; work ) 9>/var/log/shop.log: the backup has locked it for the clerk, and ended. */
static void kept_by_another(void)
{
	struct wait wait = wait_of(LOGGER, LOGGING, 0, RANGE_TO_EOF);
	struct overlap overlap = { hold_of(BACKUP, BACKING_UP, 0, RANGE_TO_EOF), 5 * S, 9 * S };

	wait.file = overlap.hold.file = LOG;
	wait.world = overlap.hold.world = FLOCK_LOCKS;
	wait.op = OP_FLOCK;
	overlap.hold.keeper = CLERK;
	waited(wait, 5 * S, 9 * S, &overlap, 1);
	held(overlap.hold, 4 * S, 9 * S);
}

static void quiet_but_unseen(void)
{
	requests(1204, lock_orders);
	catalog.untraced_count = 1;
}

static void idle(void)
{
}

static void idle_but_unseen(void)
{
	catalog.quality.lost = 1;
}

static void nothing(void)
{
	catalog.process_count = 0;
	catalog.run.end = 0;
	catalog.run.status = -1;
}

static const struct {
	const char *name;
	void (*make)(void);
} scenarios[] = {
	{ "one-wait", one_wait },
	{ "busy", busy },
	{ "live", live },
	{ "cut-off", cut_off },
	{ "python", python },
	{ "python-script", python_script },
	{ "python-with-arguments", python_with_arguments },
	{ "stripped-python", stripped_python },
	{ "some-brief", some_brief },
	{ "all-brief", all_brief },
	{ "unknown-holders", unknown_holders },
	{ "replayed", replayed },
	{ "looked-at", looked_at },
	{ "found-dead", found_dead },
	{ "quiet", quiet },
	{ "quiet-with-errors", quiet_with_errors },
	{ "quiet-with-findings", quiet },
	{ "quiet-but-unseen", quiet_but_unseen },
	{ "polling", polling },
	{ "tried-again", tried_again },
	{ "polling-but-unseen", polling_but_unseen },
	{ "kept-by-another", kept_by_another },
	{ "idle", idle },
	{ "idle-but-unseen", idle_but_unseen },
	{ "nothing", nothing },
};

const struct report *scenario(const char *name, struct report_builder **builder)
{
	for (size_t i = 0; i < COUNT(scenarios); i++) {
		if (strcmp(scenarios[i].name, name))
			continue;
		reset();
		*builder = builder_now = report_builder_new(0, NULL);
		model = report_builder_callbacks(*builder);
		scenarios[i].make();
		return report_builder_finish(*builder, &catalog);
	}
	return NULL;
}
