/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary between read/ and model/: what happened, in the order in which it happened.
 * Nothing here knows how a trace file looks, so a model test writes its events by hand.
 *
 * Times are ns on the session's monotonic clock. Ranges are [start, end) in bytes; RANGE_TO_EOF is
 * the end of "to the end of file". Processes, files and stacks are indexes into struct catalog: the
 * same thing has one index however often it was announced.
 */
#ifndef ANALYZER_EVENT_H
#define ANALYZER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_TO_EOF UINT64_C(0x8000000000000000)
#define NONE	     UINT32_MAX /* no process, file or stack, or one that could not be resolved */

/* The two worlds: record locks (POSIX and OFD, which conflict with each other) and flock. */
enum world { RECORD_LOCKS, FLOCK_LOCKS };
enum ownership { OWNED_BY_PROCESS, OWNED_BY_DESCRIPTION };
enum mode { MODE_NONE, MODE_SHARED, MODE_EXCLUSIVE, MODE_UNLOCK };

enum event_kind {
	EVENT_PROCESS, /* a process, or a new image of it, speaks for the first time */
	EVENT_REQUEST, /* before a lock call that may block or weaken */
	EVENT_RESULT,  /* after a lock call; has_request tells whether an EVENT_REQUEST came before
			*/
	EVENT_KEPT,    /* no call: fd had this lock when the image started, since when is not known
			*/
	EVENT_CALL,    /* before a close-like call, fork, wait, ioctl; exit */
	EVENT_CALL_RESULT, /* after dup, set-cloexec, inherit, fork, wait, timer, ioctl, or a failed
			      close */
	EVENT_DEATH,	   /* the process was seen dead: anything it still held is gone */
	EVENT_VERDICT,	   /* the thread was seen in a deadlock while that lasted; `time` is when */
	EVENT_DOING, /* a holder was seen doing this while others waited; `time`: the last look */
	EVENT_STUCK, /* nobody is about to let the thread go on; `time` is when that was seen */
	EVENT_LOST,  /* records are missing here */
	EVENT_END,   /* the trace ends; `time` is its last moment */
};

enum verdict {
	VERDICT_CERTAIN,       /* nobody can break it from inside */
	VERDICT_UNTIL_TIMEOUT, /* a timer is armed that may end it */
	VERDICT_LIKELY,	       /* somebody could break it */
	VERDICT_LIVELOCK,      /* some try again and again, and could give up */
};

enum verdict_wait { WAITS_FOR_LOCK, WAITS_FOR_CHILD, WAITS_FOR_PIPE };

/* What a thread that holds a lock is doing while others wait for it. */
enum doing {
	DOING_RUNS,
	DOING_SLEEPS,
	DOING_IO, /* sleeps too, and nothing interrupts it */
	DOING_STOPPED,
	DOING_ZOMBIE,
	DOING_WAITS, /* for another lock */
};

/* Why who has a lock that others wait for won't release it. */
enum stuck {
	STUCK_STOPPED,	 /* all who have it are */
	STUCK_INHERITED, /* its taker is dead; who has it has only inherited the descriptor */
	STUCK_CIRCLE,	 /* who has it isn't recorded, and waits for the waiter in turn */
};

#define CALL_UNKNOWN -1 /* in no system call, or nobody knows in which */

/* Why a process spoke. */
enum birth { BIRTH_START, BIRTH_FORK, BIRTH_EXEC };

/* What a close-like or passing-on call does to descriptors. The analyzer's own enum: many libc
 * functions, few meanings. */
enum call {
	CLOSE_FDS,   /* fds fd .. last (inclusive) are closed */
	CLOEXEC_FDS, /* close_range with CLOSE_RANGE_CLOEXEC: fds fd .. last become close-on-exec */
	DUP_FD, /* last is a duplicate of fd; what last was before is closed; value 1: close-on-exec
		 */
	SET_CLOEXEC,  /* value 1 or 0 for fd */
	INHERITED_FD, /* fd is the same open file description as `last` of process `other` (may be
		       * itself)
		       */
	FORK_CHILD,   /* EVENT_CALL before; EVENT_CALL_RESULT: value is the child's pid or -1 */
	EXIT_PROCESS, /* exit begins; destructors may still make calls */
	WAIT_CHILD,   /* value: pid asked for, then pid reaped */
	ARM_TIMER,    /* value: ns until it fires, 0: disarmed */
	IOCTL,	      /* value: request */
};

struct event {
	enum event_kind kind;
	uint64_t position; /* in the ring; orders events; 0: known from a slot only */
	uint64_t time;	   /* when the call began; EVENT_LOST, EVENT_END, EVENT_DEATH: the moment */
	uint32_t process;  /* struct process_info index */
	uint32_t tid;
	uint32_t file;
	uint32_t stack;
	union {
		struct {	    /* EVENT_REQUEST, EVENT_RESULT, EVENT_KEPT */
			uint8_t op; /* index into the table of lock operations: for names only */
			enum world world;
			enum ownership ownership;
			enum mode mode;	  /* a query's result that found a lock: the blocker's */
			bool may_block;	  /* waits for a conflicting lock (SETLKW, F_LOCK, flock
					     without LOCK_NB) */
			bool query;	  /* F_GETLK, F_TEST: changes nothing */
			bool bad_range;	  /* no usable range, or no valid mode */
			bool inherited;	  /* the fd was open when the image started */
			bool has_request; /* RESULT: an EVENT_REQUEST of this call came before */
			bool abandoned;	  /* RESULT: the call never came back */
			bool pending; /* REQUEST from a slot: still in progress at the end of the
					 trace */
			bool blocker; /* query RESULT: found a lock; start, end, mode are its, fd is
					 its pid */
			int32_t fd;
			uint64_t start, end;
			uint8_t whence; /* the raw numbers of the call, as far as the trace has them
					   (REQUEST) */
			int64_t raw_start, raw_len, base;
			uint64_t duration; /* RESULT: ns */
			int error;	   /* RESULT: errno, 0: success */
			int32_t taker; /* KEPT: pid of who took it, as the process' own namespace
					  has it; 0: not known */
		} lock;
		struct { /* EVENT_CALL, EVENT_CALL_RESULT */
			enum call call;
			uint8_t op; /* index into the table of calls: for names only */
			int32_t fd, last;
			int64_t value;
			uint32_t other;
			uint64_t duration;
			int error;
		} call;
		struct { /* EVENT_PROCESS; tid is its pid, as FORK_CHILD and WAIT_CHILD name it */
			enum birth birth;
			uint32_t parent;   /* NONE: not recorded */
			uint64_t open_fds; /* bit n: fd n < 64 was open when the image started
					      (START, EXEC) */
		} born;
		struct { /* EVENT_VERDICT */
			enum verdict verdict;
			enum verdict_wait waits_for;
			uint32_t other;	 /* whose end or word it waits for; NONE: any of several */
			uint32_t number; /* the same for all members; not 0 */
			uint32_t index, count, cycle;
			uint64_t since;
		} seen;
		struct { /* EVENT_DOING; process: the holder, tid: the thread that was looked at */
			enum doing doing;
			int32_t call;	/* number of the system call, or CALL_UNKNOWN */
			uint32_t looks; /* that found it so */
			enum world world;
			uint64_t start, end; /* of its lock */
			uint64_t since;	     /* of the first look */
		} doing;
		struct { /* EVENT_STUCK; process, tid: the waiter */
			enum stuck why;
			uint32_t holder;  /* NONE: not recorded */
			int32_t outsider; /* STUCK_CIRCLE: the pid of who has it; else 0 */
			int32_t fd;	  /* of the holder; -1: not known */
			enum world world;
			uint64_t start, end;
			uint64_t since; /* so long it has waited */
		} stuck;
		struct { /* EVENT_LOST */
			uint64_t records;
		} lost;
		struct {	   /* EVENT_DEATH */
			bool late; /* found dead afterwards: it died at any time since its last
				      event */
		} death;
		struct {		/* EVENT_END */
			bool unwatched; /* who has died is not known: those inside of a call may
					   have died there, at any time */
		} end;
	};
};

/* ---- What events point at. Owned by the reader, valid until it is freed; strings are never NULL.
 * --------------------------- */

struct process_info {
	uint32_t id; /* the session's own number, for people and JSON */
	int32_t pid, ppid;
	uint32_t parent;     /* index, NONE: not recorded */
	uint64_t start_time; /* clock ticks since boot */
	uint64_t pidns;
	uint64_t first_seen, last_seen; /* ns */
	const char *command;		/* name of the last image: the exe's base name */
	const char *exe;
	const char *arguments; /* "" unless they were asked for */
	bool dead;	       /* seen dead, or exit seen */
	int status;	       /* wait status, -1 unknown */
};

struct file_info {
	uint64_t device, inode;
	uint64_t birth; /* ns since 1970; 0: not known */
	uint64_t fs_type, mount_flags;
	uint32_t mode, links;
	const char *path; /* as last announced */
};

struct module_info {
	const char *path;
	uint8_t build_id[20];
	uint8_t build_id_bytes; /* 0: none */
};

struct frame {
	uint32_t module;  /* index, NONE: a plain address */
	uint64_t address; /* in the module's ELF file */
};

/* Of the script that an interpreter runs. */
struct script_frame {
	const char *file, *function;
	uint32_t line; /* 0: not known */
};

struct stack_info {
	const struct frame *frames; /* innermost first; [0] is the call itself, the others are
				       return addresses */
	const struct script_frame *scripts; /* innermost first */
	uint32_t count, script_count;
	bool truncated, scripts_truncated; /* there were more of them */
};

/* Someone who took part and was not recorded. */
struct untraced_info {
	int32_t pid;
	const char *exe;    /* "" unknown */
	const char *reason; /* one word or two: "static", "setuid", "lost environment", "other libc"
			       … */
};

/* Waits and calls in progress are in events; this is everything else that a trace knows. */
struct catalog {
	const struct process_info *processes;
	const struct file_info *files;
	const struct module_info *modules;
	const struct stack_info *stacks;
	const struct untraced_info *untraced;
	uint32_t process_count, file_count, module_count, stack_count, untraced_count;
	struct {
		const char *command; /* "" unknown */
		uint64_t begin, end; /* ns monotonic; end 0: still running or never seen to end */
		int status;	     /* wait status, -1 unknown */
		const char *tool;    /* version that recorded it */
		bool live;	     /* a session that is being recorded right now */
	} run;
	struct {
		uint64_t events, records;
		uint64_t lost;	/* records that were lapped or never drained */
		uint64_t holes; /* positions taken and never filled */
		uint64_t torn_announcements, unresolved_stacks, unresolved_files;
		uint64_t lost_threads, lost_processes, lost_stacks, lost_nested,
			lost_unseen; /* the recorder's own counters */
		uint64_t first_time, last_time;
	} quality;
	int64_t wall_offset; /* add to a time to get ns since 1970 (CLOCK_REALTIME) */
};

/* What the launcher saw of a thread: no word of its own. */
static inline bool event_is_from_outside(const struct event *event)
{
	return event->kind == EVENT_VERDICT || event->kind == EVENT_DOING ||
	       event->kind == EVENT_STUCK;
}

#endif
