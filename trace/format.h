/* SPDX-License-Identifier: MIT */
/*
 * The session file: what libflocktrace.so writes and flocktrace reads. FORMAT.md draws the same
 * bytes.
 *
 *   header | thread slots | process slots | slow ring | ring
 *
 * A trace is the same file with a ring that never wraps: position p lies at ring_offset + (p -
 * ring_first) * 64, and what was lost is a run of zeros.
 *
 * Bump FORMAT_VERSION when anything here, in lock_ops.def or in call_ops.def changes its meaning or
 * its place. Neither side trusts a byte of the file: offsets and counts are checked before use,
 * records by their checksum.
 */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_MAGIC	  UINT64_C(0x454341525446c10a) /* "\n\xc1FTRACE", little-endian */
#define FORMAT_BYTE_ORDER UINT32_C(0x01020304)
#define FORMAT_VERSION	  1

#define CELL_SIZE	64
#define CELL_WORDS	8
#define PAYLOAD_WORDS	7
#define NEST_MAX	3 /* requests one thread can be inside of at once: two signal handlers deep */
#define GRANTS_MAX	16 /* open grants kept per process beside the ring */
#define STACK_MAX	62 /* frames */
#define CONTINUED_BYTES 48 /* bytes of a long record in each cell after the first */
#define CELLS_MAX	255
#define RANGE_EOF	UINT64_C(0x8000000000000000) /* the end of "to the end of file", exclusive */

/* ---- Cells
 * --------------------------------------------------------------------------------------------- */

/* One position of a ring: seven words of payload, then a checksum over position and payload
 * (ring.h). */
struct cell {
	_Atomic uint64_t word[CELL_WORDS];
};
static_assert(sizeof(struct cell) == CELL_SIZE, "struct cell changed size");

enum record_kind {
	RECORD_NONE = 0,
	RECORD_REQUEST = 1,	/* struct record_lock, before the kernel is entered */
	RECORD_RESULT = 2,	/* struct record_lock, after */
	RECORD_CALL = 3,	/* struct record_call, before */
	RECORD_CALL_RESULT = 4, /* struct record_call, after */
	RECORD_CONTINUED = 5, /* struct record_continued: more bytes of the long record before it */
	/* Long records: a first cell and `cells - 1` continued ones at the positions that follow.
	 */
	RECORD_PROCESS = 6, /* struct record_process + text: exe NUL, name NUL, arguments */
	RECORD_FILE = 7,    /* struct record_file + text: path */
	RECORD_MODULE = 8,  /* struct record_module + text: path */
	RECORD_STACK = 9,   /* struct record_stack + uint64_t frames + text */
	/* Written by the launcher. */
	RECORD_DEATH =
		10, /* struct record_call: the process was seen dead; value: wait status or -1 */
	RECORD_UNTRACED = 11, /* struct record_untraced + text: exe NUL, reason */
	RECORD_RUN = 12,      /* struct record_run + text: the command, NUL-separated */
	RECORD_VERDICT = 13,  /* struct record_verdict: one for each member of a deadlock */
	RECORD_DOING = 14,    /* struct record_doing: what a holder did while others waited */
	RECORD_STUCK = 15,    /* struct record_stuck: a wait that nobody will end */
};

/* How an announcement is named by other records: the low 32 bits of its first position. 0: none. */
typedef uint32_t reference;

enum record_flags {
	/* bits 0-1 */
	FLAG_SHARED = 1,
	FLAG_EXCLUSIVE = 2,
	FLAG_UNLOCK = 3,
	FLAG_MODE = 3,
	/* bits 2-3: the raw whence; only in a REQUEST. 3: none of the three, and bits 16-31 of base
	   are the raw l_whence (0: not known) */
	FLAG_WHENCE_SHIFT = 2,
	FLAG_WHENCE = 3 << 2,
	FLAG_NONBLOCK = 1 << 4,	   /* LOCK_NB */
	FLAG_HAS_REQUEST = 1 << 5, /* a RESULT whose REQUEST is in the ring too */
	FLAG_BAD_RANGE = 1 << 6, /* no usable range: bad pointer, whence or overflow; start and len
				    are what was found */
	FLAG_BASE_UNKNOWN = 1 << 7, /* SEEK_CUR or SEEK_END, and the position could not be asked */
	FLAG_NEGATIVE = 1 << 8, /* a RESULT without REQUEST whose raw len was negative: raw start is
				   the range's end */
	FLAG_INHERITED = 1 << 9,  /* the fd may come from another process: open at this image's
				     start, or before fork */
	FLAG_ABANDONED = 1 << 10, /* a RESULT written later: the call never came back (siglongjmp,
				     cancellation) */
	FLAG_BLOCKER = 1 << 11, /* a QUERY's RESULT that found a lock: range and mode are its, fd is
				   its pid */
	FLAG_KEPT = 1 << 12, /* the RESULT of no call: the fd had this lock when the image started;
				since when is not known */
	FLAG_NO_STACK = 1 << 13,     /* a stack was wanted and could not be had */
	FLAG_LIBC_SYSCALL = 1 << 14, /* made through syscall(2) */
	FLAG_RAW_MODE = 1 << 15, /* no valid mode: `mode` bits are 0 and bits 0-15 of a REQUEST's
				    base are the raw l_type, or base is the raw flock operation, or
				    UINT64_MAX where the pointer could not be read */
};

/*
 * A lock request. The call is split over two cells:
 *   REQUEST  start, len: raw l_start and l_len; base: what whence counts from; time: before the
 * call RESULT   start, end: the range [start, end); time: before the call; duration and error of
 * the call A call that cannot block and weakens nothing has the RESULT alone, if its whence is
 * SEEK_SET; a successful unlock has the REQUEST alone.
 */
struct record_lock {
	uint8_t kind;
	uint8_t op; /* enum lock_op */
	uint16_t flags;
	uint32_t process; /* announced by RECORD_PROCESS */
	uint32_t tid;	  /* in the process' own pid namespace */
	int32_t fd;
	uint64_t time; /* CLOCK_MONOTONIC, ns */
	reference file;
	reference stack;
	uint64_t start;
	uint64_t len_or_end;
	union {
		uint64_t base;	  /* REQUEST */
		uint64_t outcome; /* RESULT: duration in ns << 16 | errno; FLAG_KEPT: pid of who
				     took the lock << 16, in the process' own namespace; 0: the
				     kernel does not say */
	};
};
static_assert(sizeof(struct record_lock) == PAYLOAD_WORDS * 8, "struct record_lock changed size");

#define OUTCOME(ns, error)	  ((uint64_t)(ns) << 16 | (uint16_t)(error))
#define OUTCOME_ERRNO(outcome)	  ((int)((outcome)&0xffff))
#define OUTCOME_DURATION(outcome) ((outcome) >> 16)

/*
 * Any other call of interest (call_ops.def). A CALL comes before the real call, a CALL_RESULT after
 * it: both for FORK, WAIT and IOCTL; close-like calls have the CALL alone unless they fail; DUP,
 * SETFD, INHERIT and TIMER have the CALL_RESULT alone.
 */
struct record_call {
	uint8_t kind;
	uint8_t op; /* enum call_op */
	uint16_t flags;
	uint32_t process;
	uint32_t tid;
	int32_t fd;
	uint64_t time; /* before the call, ns */
	reference file;
	reference stack;
	int64_t value;
	int32_t last;
	uint32_t reserved;
	uint64_t outcome; /* CALL_RESULT: as in record_lock */
};
static_assert(sizeof(struct record_call) == PAYLOAD_WORDS * 8, "struct record_call changed size");

struct record_continued {
	uint8_t kind;
	uint8_t index; /* 1 for the first continued cell */
	uint16_t reserved;
	uint32_t first; /* low 32 bits of the long record's first position */
	uint8_t bytes[CONTINUED_BYTES];
};
static_assert(sizeof(struct record_continued) == PAYLOAD_WORDS * 8,
	      "struct record_continued changed size");

/* ---- Announcements: the first cell. `bytes` is the length of what follows in the continued cells.
 * ----------- */

enum process_reason {
	PROCESS_START = 1, /* a new image in a process not known so far */
	PROCESS_FORK = 2,  /* first words of a fork child */
	PROCESS_EXEC = 3,  /* a new image in a known process */
	PROCESS_AGAIN = 4, /* nothing new: the last announcement is half a lap old */
};

struct record_process {
	uint8_t kind;
	uint8_t cells;
	uint8_t reason; /* enum process_reason */
	uint8_t reserved;
	uint32_t process; /* unique in the session; stays over exec */
	uint32_t parent;  /* process of the same session, or 0 */
	int32_t pid;	  /* in its own pid namespace */
	int32_t ppid;	  /* 0 where the parent is outside the namespace */
	uint32_t bytes;
	uint64_t time;
	uint64_t start_time; /* /proc/PID/stat field 22, clock ticks since boot */
	uint64_t open_fds;   /* bit n: fd n < 64 was open when the image started; FORK: all ones */
	uint64_t pidns;	     /* inode of /proc/self/ns/pid */
};
static_assert(sizeof(struct record_process) == PAYLOAD_WORDS * 8,
	      "struct record_process changed size");

struct record_file {
	uint8_t kind;
	uint8_t cells;
	uint16_t bytes;
	uint32_t mode;	 /* st_mode; 0: announced again where nothing may be asked: device and inode
			    alone */
	uint64_t device; /* st_dev */
	uint64_t inode;
	uint64_t fs_type; /* statfs f_type */
	uint64_t mount_flags;
	uint32_t links;
	uint32_t reserved;
	uint64_t birth; /* when the file was made, ns since 1970: its number may have been another
			   file's before. 0: not known */
};
static_assert(sizeof(struct record_file) == PAYLOAD_WORDS * 8, "struct record_file changed size");

#define BUILD_ID_MAX 20

struct record_module {
	uint8_t kind;
	uint8_t cells;
	uint16_t bytes;
	uint32_t process;
	uint16_t module; /* numbers frames of this process' image; 0 is never used */
	uint8_t build_id_bytes;
	uint8_t reserved;
	uint32_t reserved2;
	uint64_t base; /* load bias: address - base = address in the ELF file */
	uint8_t build_id[BUILD_ID_MAX];
	uint32_t reserved3;
	uint64_t size;
};
static_assert(sizeof(struct record_module) == PAYLOAD_WORDS * 8,
	      "struct record_module changed size");

/*
 * After the frames `scripts` times the text: file NUL function NUL line NUL, innermost first, in
 * UTF-8; line 0: not known.
 *
 * Frames, innermost first: module << 48 | address in the module. Module 0: a plain address that
 * belongs to no module (JIT). The first is the address of the call, the others are return
 * addresses: look the line up at address - 1.
 */
struct record_stack {
	uint8_t kind;
	uint8_t cells;
	uint16_t bytes;
	uint32_t process;
	uint16_t frames;
	uint16_t truncated; /* bit 0: there were more, or the walk stopped early; bit 1: more of the
			       script */
	uint32_t scripts;   /* frames of the script that an interpreter runs, as text behind */
	uint64_t reserved2[5];
};
static_assert(sizeof(struct record_stack) == PAYLOAD_WORDS * 8, "struct record_stack changed size");

#define FRAME(module, address) ((uint64_t)(module) << 48 | ((address)&UINT64_C(0xffffffffffff)))
#define FRAME_MODULE(frame)    ((uint16_t)((frame) >> 48))
#define FRAME_ADDRESS(frame)   ((frame)&UINT64_C(0xffffffffffff))

struct record_untraced {
	uint8_t kind;
	uint8_t cells;
	uint16_t bytes;
	int32_t pid; /* in the launcher's namespace */
	uint64_t time;
	uint64_t reserved[5];
};
static_assert(sizeof(struct record_untraced) == PAYLOAD_WORDS * 8,
	      "struct record_untraced changed size");

struct record_run {
	uint8_t kind;
	uint8_t cells;
	uint16_t bytes;
	int32_t status; /* wait status; -1 while it runs */
	uint64_t time;	/* CLOCK_MONOTONIC, ns: start, or end once status is known */
	int32_t pid;
	uint32_t reserved;
	uint64_t reserved2[4];
};
static_assert(sizeof(struct record_run) == PAYLOAD_WORDS * 8, "struct record_run changed size");

/* The codes are the format's own. */
enum record_verdict_code {
	SEEN_CERTAIN = 1,
	SEEN_UNTIL_TIMEOUT = 2,
	SEEN_LIKELY = 3,
	SEEN_LIVELOCK = 4,
};

enum record_verdict_wait {
	SEEN_WAIT_LOCK = 1,
	SEEN_WAIT_CHILD = 2,
	SEEN_WAIT_PIPE = 3,
};

/* A member of a deadlock that was seen while it lasted: its members have records one after the
 * other, first a cycle, each of whom waits for the next. */
struct record_verdict {
	uint8_t kind;
	uint8_t wait;	  /* enum record_verdict_wait */
	uint16_t verdict; /* enum record_verdict_code */
	uint32_t process;
	uint32_t tid;
	uint32_t other;	 /* process whose end or word it waits for; 0: a lock, or any of several */
	uint64_t time;	 /* when it was seen */
	uint64_t since;	 /* from its last edge */
	uint32_t number; /* low 32 bits of the position of its first member's record */
	uint32_t index, count; /* of so many members, and of the cycle below */
	uint32_t cycle;
	uint64_t reserved;
};
static_assert(sizeof(struct record_verdict) == PAYLOAD_WORDS * 8,
	      "struct record_verdict changed size");

/* The codes are the format's own. */
enum record_doing_state {
	SEEN_RUNNING = 1,
	SEEN_ASLEEP = 2, /* in a system call, if one is given */
	SEEN_IN_IO = 3,	 /* asleep too, and nothing interrupts it */
	SEEN_STOPPED = 4,
	SEEN_ZOMBIE = 5,
	SEEN_WAITING = 6, /* for another lock */
};

#define NO_SYSTEM_CALL UINT16_MAX

/*
 * So often a thread of a holder was seen from outside in one state while somebody waited for the
 * lock. Looks at different states of the same time lie one after the other in the ring.
 */
struct record_doing {
	uint8_t kind;
	uint8_t op;	  /* enum lock_op: how the lock was taken */
	uint16_t machine; /* whose system calls these are: EM_… of ELF */
	uint32_t process; /* the holder */
	uint32_t tid;	  /* the thread that was looked at */
	uint32_t looks;	  /* that found it so */
	uint64_t since;	  /* from the first look at it, in whichever state, */
	uint64_t time;	  /* to the last, ns */
	reference file;
	uint16_t state; /* enum record_doing_state */
	uint16_t call;	/* number of the system call, or NO_SYSTEM_CALL */
	uint64_t start; /* of the lock */
	uint64_t end;
};
static_assert(sizeof(struct record_doing) == PAYLOAD_WORDS * 8, "struct record_doing changed size");

/* The codes are the format's own. */
enum record_stuck_reason {
	SEEN_STUCK_STOPPED = 1,	  /* all who have the lock are stopped */
	SEEN_STUCK_INHERITED = 2, /* its taker is dead; who has it has only inherited it */
	SEEN_STUCK_CIRCLE = 3,	  /* who has it isn't recorded, and waits for the waiter in turn */
};

/* Somebody had waited for long, and who has the lock was seen to be in no state to release it. */
struct record_stuck {
	uint8_t kind;
	uint8_t op;	       /* enum lock_op: of the waiter */
	uint16_t reason;       /* enum record_stuck_reason */
	uint32_t process, tid; /* the waiter */
	uint32_t holder; /* one of those who have the lock; 0: not recorded. CIRCLE: its pid */
	uint64_t time;	 /* when it was seen */
	uint64_t since;	 /* when the waiter asked, ns */
	reference file;
	int32_t fd;	/* of the holder; -1: not known */
	uint64_t start; /* of what is waited for */
	uint64_t end;
};
static_assert(sizeof(struct record_stuck) == PAYLOAD_WORDS * 8, "struct record_stuck changed size");

#define SLOT_BUSY UINT32_MAX /* a process slot's number while it is filled in */

/* ---- Slots: what must survive any number of laps, and any death
 * ----------------------------------------------- */

/* The requests that one thread is inside of right now. Owned by that thread; readers check each
 * cell. */
struct thread_slot {
	_Atomic uint32_t process; /* 0: free */
	uint32_t tid;
	_Atomic uint32_t
		depth; /* requests[0 .. depth) are in progress, the last is the innermost */
	uint32_t reserved;
	_Atomic uint64_t position[NEST_MAX]; /* checksum positions: the REQUEST's in the ring, or 0:
						it is not there */
	uint64_t reserved2[3];
	struct cell request[NEST_MAX]; /* struct record_lock, kind RECORD_REQUEST */
};
static_assert(sizeof(struct thread_slot) == 256, "struct thread_slot changed size");

enum grant_state {
	GRANT_FREE = 0,
	GRANT_BUSY = 1, /* being written */
	GRANT_HELD = 2,
	GRANT_PARTLY = 3, /* part of it was unlocked since */
};

/* A lock that a process was granted and has not been seen to release. */
struct grant {
	_Atomic uint32_t state; /* enum grant_state */
	uint8_t op;
	uint8_t mode; /* FLAG_SHARED or FLAG_EXCLUSIVE */
	uint16_t reserved;
	int32_t fd;
	uint32_t tid;
	uint64_t device, inode;
	uint64_t start, end;
	uint64_t time;
	reference file;
	reference stack;
};
static_assert(sizeof(struct grant) == 64, "struct grant changed size");

struct process_slot {
	_Atomic uint32_t process; /* 0: free */
	int32_t pid;
	uint64_t start_time;
	uint64_t pidns;
	uint32_t parent;
	_Atomic uint32_t image;		 /* counts exec */
	_Atomic uint64_t watch;		 /* bit n % 64: closing fd n may release a lock */
	_Atomic uint64_t last_announced; /* position of the last RECORD_PROCESS */
	_Atomic uint32_t overflow;	 /* grants that found no place */
	_Atomic uint32_t exiting;	 /* 1: exit was seen */
	int32_t ppid;
	_Atomic uint32_t children; /* processes born with this one as their parent */
	char comm[16];
	_Atomic uint64_t grants; /* bit n: grant[n] is in use */
	uint64_t reserved2[21];
	struct grant grant[GRANTS_MAX];
};
static_assert(sizeof(struct process_slot) == 256 + GRANTS_MAX * 64,
	      "struct process_slot changed size");

/* ---- Header */

enum file_kind {
	FILE_SESSION = 1,
	FILE_TRACE = 2,
};

/* A counter with a cache line of its own. */
struct counter {
	_Atomic uint64_t value;
	uint64_t reserved[7];
};

struct header {
	uint64_t magic;
	uint32_t byte_order;
	uint32_t version;
	uint32_t header_size;
	uint32_t kind; /* enum file_kind */
	uint32_t thread_slots, thread_slot_size;
	uint64_t thread_offset;
	uint32_t process_slots, process_slot_size;
	uint64_t process_offset;
	uint64_t slow_offset, slow_cells; /* cells: powers of two */
	uint64_t ring_offset, ring_cells; /* a trace: ring_cells 0 */
	uint64_t ring_first;		  /* a trace: position of its first cell; a session: 0 */
	uint64_t boot_id[2];
	uint64_t monotonic, realtime; /* one moment on both clocks, ns */
	uint64_t pidns;		      /* the creator's */
	int32_t creator_pid;
	uint32_t creator_uid;
	_Atomic uint32_t recording; /* 0: write nothing */
	uint32_t drained;	    /* 1: somebody drains this session */
	char tool[32];		    /* version of flocktrace that made it */
	/* Slots from here on have never been used: how far a search has to go. */
	_Atomic uint32_t threads_used, processes_used;
	uint64_t reserved[8];
	/* Changing while it runs. */
	struct counter ring_head; /* next position; starts at 1 */
	struct counter slow_head;
	struct counter next_process; /* starts at 1 */
	struct counter lost_threads; /* requests of threads that found no slot */
	struct counter lost_processes;
	struct counter lost_stacks; /* stacks wanted and not had */
	struct counter lost_nested; /* requests nested too deep for their slot */
	struct counter
		lost_unseen; /* calls forwarded unrecorded because the recorder stepped aside */
};
static_assert(sizeof(struct header) == 256 + 8 * 64, "struct header changed size");

static_assert(offsetof(struct header, ring_head) == 256, "the counters of struct header moved");

#define HEADER_BYTES 4096 /* what follows the header starts on a page */

#endif
