/* SPDX-License-Identifier: MIT */
/*
 * What a report says, before it is rendered: resources, waits with their holders, blame, quality.
 * Text and JSON show the same struct. Built by report_build() from a stream of events; times in ns,
 * ranges [start, end).
 */
#ifndef ANALYZER_STATS_REPORT_H
#define ANALYZER_STATS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/event.h"
#include "analyzer/model/model.h"
#include "analyzer/model/standing.h"

struct distribution {
	uint64_t count, total, max, p50, p90, p99; /* ns */
};

/* Where the time of waits went, in ns: the four add up to it exactly. */
struct wait_parts {
	uint64_t held;	   /* a hold that was kept stood in the way: the exclusive blame */
	uint64_t omitted;  /* only holds too short to be kept did */
	uint64_t hand_off; /* nobody held it any more, and the waiter had not got it yet */
	uint64_t unknown;
};

static inline uint64_t wait_parts_sum(const struct wait_parts *parts)
{
	return parts->held + parts->omitted + parts->hand_off + parts->unknown;
}

#define DOINGS 16 /* different ones that are told apart */

/* What holders were seen doing while others waited, in so many looks. By looks, most first. */
struct doing_count {
	enum doing doing;
	int32_t call; /* CALL_UNKNOWN */
	uint64_t looks;
};

struct doing_looks {
	uint64_t looks; /* all: may be more than the sum of these */
	uint32_t count;
	struct doing_count of[DOINGS];
};

/*
 * A file and a range in one of the two worlds. Sorted by total wait, then path, start, end, world.
 * Unlocks and queries are no use of a resource; they count in report.requests only.
 */
struct resource {
	uint32_t file; /* NONE: unknown file */
	enum world world;
	uint64_t start, end;
	bool folded; /* not one range: everything beyond the first RESOURCES_PER_FILE ranges of this
			file; start and end are those of their union */
	uint32_t ops;	       /* bit n: lock operation n was used */
	uint64_t acquisitions; /* granted requests */
	uint64_t contended; /* waits: of requests that were granted, that failed, that still wait */
	uint64_t waits_at_most; /* of the waits: ended at an unknown moment; in the times of all
				   waits they are as long as possible */
	uint64_t failed_tries;	/* non-blocking requests that found a conflict (EAGAIN, EACCES) */
	uint64_t errors;	/* every other error */
	struct distribution wait, hold;
	struct wait_parts parts; /* of wait.total */
	uint32_t fold;		 /* 1 + index of the report's fold that it is part of; 0: none */
	uint64_t busy;		 /* ns in which somebody held it, counted once */
	uint64_t queue_max;	 /* waited at once */
	uint64_t hand_overs;	 /* acquisitions by another process than the last one */
	uint64_t overtaken_max;	 /* locks in the way of one wait that were granted after it began */
	uint64_t starved;	 /* waits overtaken more than twice as often as the longest queue */
	uint64_t convoy_waits;	 /* of the longest convoy: waits that ended while somebody always */
	uint64_t
		convoy_begin; /* waited, of two processes or more; 0: not so many as CONVOY_WAITS */
	uint64_t convoy;      /* ns */
	uint64_t nested; /* holds during which the thread that took it waited for another lock */
	uint64_t nested_waits;		 /* ns of these waits */
	const struct doing_looks *doing; /* its holders; NULL: none was looked at */
	uint32_t owners;		 /* processes that have acquired it: */
	bool owners_omitted;		 /* at least so many, RESOURCE_OWNERS */
};

/* What the lines of the table of uses stand for. */
enum view_by { BY_RESOURCE, BY_SITE, BY_PROCESS, BY_COMMAND };

/*
 * One line for several: resources that nobody wants to see one by one (a fold), or the locks of a
 * site, a process or a command. Only the counts and times of `counts` are its own; of a fold also
 * file (any of them), world, and the union of the ranges.
 */
struct report_group {
	uint32_t process, stack; /* NONE: not known, or of several */
	uint32_t files, ranges;	 /* of a fold: different ones */
	uint64_t members;	 /* resources; processes of a command */
	struct resource counts;
};

/* ns since the recording began, or wall clock ns since 1970. */
struct moment {
	bool given, wall;
	int64_t ns;
};

/* What a report is about; all zero: everything. In progress at any time in [since, until). */
struct report_filter {
	const char *path; /* pattern; NULL: all */
	int32_t pid;	  /* 0: all; who waited or was waited for */
	struct moment since, until;
};

/* All is wanted; NULL too. */
static inline bool filter_is_empty(const struct report_filter *filter)
{
	return !filter ||
	       (!filter->path && !filter->pid && !filter->since.given && !filter->until.given);
}
struct report_holder {
	uint32_t process, tid, stack; /* tid 0: any thread of the process */
	uint32_t taker; /* process that acquired it, where another has kept it since; NONE */
	enum mode mode;
	uint64_t start, end;
	uint64_t overlap;	   /* ns */
	bool still_held;	   /* when the wait ended without a grant */
	struct doing_looks *doing; /* in that time; NULL: it was not looked at */
	/* While it waited for another lock itself: ns of its share of the wait that others are to
	 * blame for. 0: the rest says nothing. */
	uint64_t passed_on;
	uint32_t passed_file; /* what it waited for, mostly */
	enum world passed_world;
	uint64_t passed_start, passed_end;
	uint32_t root_process, root_tid, root_stack; /* who was at the end of the chain, mostly */
};

/* Sorted by duration, longest first; ties by begin, process, tid. */
struct report_wait {
	uint32_t process, tid, file, stack;
	uint32_t resource; /* index */
	uint8_t op;
	enum world world;
	enum mode mode;
	uint64_t start, end;
	uint64_t begin, duration;
	enum outcome outcome;
	int error;
	bool holder_unknown;
	bool at_most; /* the process died in it, nobody knows when; duration is the longest possible
		       */
	struct wait_parts parts;       /* of duration */
	bool poll;		       /* it tried again and again, and never blocked */
	bool gave_up;		       /* with poll */
	uint64_t tries;		       /* lock calls in it; 1: blocked at once */
	uint64_t wasted;	       /* tries in vain, and queries that found it taken */
	uint64_t free;		       /* ns: nobody held it, and no try noticed */
	struct report_holder *holders; /* by overlap, longest first; one per site, mode and range */
	uint32_t holder_count;
	uint64_t holds_omitted; /* further ones, all shorter, that the model did not keep */
};

/*
 * Who made whom wait. exclusive: each instant of a wait divided by the holds in its way; inclusive:
 * undivided. Time of a wait without a known hold in its way (or with holds too short to be kept, or
 * of hand-off) is blamed on holder_stack NONE and holder_process NONE, so that the exclusive times
 * add up to the waits. Where a nanosecond can't be divided, the hold that came first has it.
 */
struct blame {
	uint32_t waiter_stack, holder_stack; /* NONE: unknown */
	uint32_t holder_process;	     /* NONE: nobody known */
	uint32_t taker;	      /* whose stack it is, where the holder has only kept it; NONE */
	uint32_t holder_file; /* what it held then: not the waiter's range, and with a root not its
				 file either */
	enum world holder_world;
	uint64_t holder_start, holder_end;
	uint32_t resource; /* index: what was waited for */
	uint64_t exclusive, inclusive;
	uint64_t hand_off; /* of exclusive, where nobody is blamed: nobody held it */
	uint64_t at_most;  /* of exclusive: in waits that ended at an unknown moment */
	uint64_t waits;
};

/* Who waited, and who made others wait: only those who did. By root, largest first. */
struct process_blame {
	uint32_t process;
	uint64_t waits, waited;	  /* its own; ns */
	uint64_t exclusive, root; /* ns that others waited for it: directly, at the end of chains */
};

/* An error that a lock call got, so that nothing is passed over: counted by operation, errno,
 * process and site. */
struct report_error {
	uint8_t op;
	int error;
	bool conflict; /* a try that found the lock taken: no mistake */
	enum world world;
	uint64_t start, end; /* what was asked for, each time; end 0: not one range */
	bool several_ranges;
	uint32_t file, stack, process;
	uint64_t count;
};

/* A process that took record locks of a file through more than one descriptor. */
struct several_descriptors {
	uint32_t process, file;
};

/*
 * The calls of one ioctl request on one file. A call may wait, and some keep others out.
 * Recorded as FLOCKTRACE_IOCTL says.
 */
struct report_ioctl {
	uint32_t request;
	uint32_t file;	     /* NONE: not known */
	bool others;	     /* all requests and files beyond the first IOCTLS_KEPT pairs */
	uint64_t calls;	     /* that came back, */
	uint64_t errors;     /* of these, with an error */
	uint64_t unfinished; /* that had not come back when it was last heard of them */
	struct distribution time;
	uint32_t process, tid, stack; /* of the slowest call; NONE: none came back */
	uint64_t slowest;	      /* when that began, ns */
};

struct report {
	const struct catalog *catalog;
	struct resource *resources;
	struct report_wait *waits; /* the longest REPORT_WAITS unless all were asked for */
	struct blame *blame;	   /* by exclusive, largest first */
	struct blame *roots;	   /* the same time, blamed on who was at the end of the chain */
	struct process_blame *processes;
	struct report_error *errors; /* by count, largest first */
	struct report_ioctl *ioctls; /* by total time, largest first */
	const struct several_descriptors *several;
	const struct report_filter *filter; /* NULL: none */
	enum view_by by;
	struct report_group *groups; /* by site, process or command */
	struct report_group *folds;  /* resources that stand for several */
	uint32_t group_count, fold_count;
	uint32_t resource_count, wait_count, blame_count, root_count;
	uint32_t process_count, error_count, ioctl_count, several_count;
	uint64_t waits_total, waits_omitted;
	uint64_t polls;		  /* of the waits: by trying again and again */
	uint64_t wasted_calls;	  /* tries in vain of the waits */
	uint64_t poll_free_ns;	  /* ns of them in which nobody held it, and no try noticed */
	uint64_t wait_ns;	  /* sum over all waits */
	uint64_t waits_at_most;	  /* of them: ended at an unknown moment; in wait_ns as long as
				     possible */
	uint64_t at_most_ns;	  /* sum over those */
	uint64_t still_waiting;	  /* waits that the end of recording certainly cut off */
	uint64_t died_waiting;	  /* waits that the death of their process cut off */
	uint64_t brief_waits;	  /* below BRIEF_WAIT, and not cut off */
	uint64_t brief_ns;	  /* sum over those */
	uint64_t longest_pending; /* ns: the longest of these */
	uint64_t requests;	  /* all lock requests seen */
	uint64_t failed;	  /* of these, with an error */
	uint64_t tries;		  /* of these, queries and those for a lock that don't block */
	uint64_t tries_taken;	  /* of the tries: the lock was taken */
	uint64_t found;		  /* of these, queries that told so by a result, not by an error */
	bool begins_late;	  /* the records before the first one were lost, */
	uint64_t covered_since;	  /* so the report covers only what came after this moment */
	struct model_quality quality;
	struct wait_parts parts;   /* of wait_ns */
	uint64_t recorded;	   /* ns from the first event to the last */
	uint64_t unbalanced;	   /* ns by which any sum of blame differs from its waits: 0 */
	uint64_t untraced_holders; /* waits with no known holder */
};

#define REPORT_WAITS	   1000
#define BRIEF_WAIT	   UINT64_C(1000000) /* ns; shorter ones cost nobody anything, one by one */
#define RESOURCES_PER_FILE 4096
#define RESOURCE_OWNERS	   64
#define CONVOY_WAITS	   10

/* A wait that ended by itself, and soon. */
static inline bool is_brief(enum outcome outcome, uint64_t duration)
{
	return duration < BRIEF_WAIT && (outcome == OUTCOME_GRANTED || outcome == OUTCOME_FAILED);
}

/* Requests that found it taken, in thousandths of all; 0: there were none. */
static inline unsigned contended_share(const struct resource *resource)
{
	uint64_t taken = resource->contended + resource->failed_tries;
	uint64_t all = resource->acquisitions + resource->failed_tries + resource->errors;

	/* A wait that never came back is none of these. */
	return !taken ? 0 : all > taken ? (unsigned)(taken * 1000 / all) : 1000;
}

/* The time in which somebody held it, in thousandths of the recorded time. */
static inline unsigned busy_share(const struct report *report, const struct resource *resource)
{
	uint64_t whole = report->recorded / 1000;

	return !whole				   ? 0
	       : resource->busy < report->recorded ? (unsigned)(resource->busy / whole)
						   : 1000;
}

struct report_builder;

/* waits_kept: how many of the longest waits to keep, 0: all. also: who else listens to the model;
 * NULL: nobody. */
struct report_builder *report_builder_new(uint32_t waits_kept, const struct model_callbacks *also);
/* Before the first event: also what each site, process or command did; of what the filter (NULL:
 * all) selects. Both pointers must outlive the report. */
void report_builder_view(struct report_builder *builder, enum view_by by,
			 const struct report_filter *filter, const struct catalog *catalog);
/* After report_builder_finish(). `named`: whether a range has a meaning; NULL: none has. */
void report_builder_fold(struct report_builder *builder,
			 bool (*named)(void *context, const struct resource *resource),
			 void *context);
/* What it feeds; to be asked only. */
const struct model *report_builder_model(const struct report_builder *builder);
/* Who is trying for a lock again and again: see polls_standing(). `builder` is a report_builder. */
void report_builder_trying(void *builder, uint64_t now,
			   void (*each)(void *context, const struct standing *standing),
			   void *context);
void report_builder_event(struct report_builder *builder, const struct event *event);
/* Sorts and sums up. The report is valid until the builder is freed, the catalog as long as its
 * reader. */
const struct report *report_builder_finish(struct report_builder *builder,
					   const struct catalog *catalog);
void report_builder_free(struct report_builder *builder);

#endif
