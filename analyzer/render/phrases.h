/* SPDX-License-Identifier: MIT */
/*
 * The things of a report in the words of its sentences. All strings belong to the scratch; whatever
 * came from the recorded program has its control characters escaped.
 */
#ifndef ANALYZER_RENDER_PHRASES_H
#define ANALYZER_RENDER_PHRASES_H

#include "analyzer/findings/findings.h"
#include "analyzer/names/names.h"
#include "analyzer/render/scratch.h"
#include "analyzer/stats/report.h"

/* Control characters and bytes that are not UTF-8 as \n, \t, \x1b. */
const char *phrase_escaped(struct scratch *scratch, const char *bytes);
/* Escaped, and relative to `directory` (NULL: none) where that is shorter. */
const char *phrase_path(struct scratch *scratch, const char *path, const char *directory);
/* The path, else "inode 12 on device 8:1", else "an unknown file". */
const char *phrase_file(struct scratch *scratch, const struct catalog *catalog, uint32_t file,
			const char *directory);
/* "python3[4711]", "python3[4711] thread 4713", "an unknown process". tid 0: no thread. */
const char *phrase_process(struct scratch *scratch, const struct catalog *catalog, uint32_t process,
			   uint32_t tid);
const char *phrase_mode(enum mode mode);
/* "[0, 100)", "flock"; where the range has a name, that. */
const char *phrase_range(struct scratch *scratch, struct range_names *names, uint32_t file,
			 enum world world, uint64_t start, uint64_t end);
/* "exclusive [0, 100)", "exclusive flock", "exclusive RESERVED". names: NULL: none are known. */
const char *phrase_lock(struct scratch *scratch, struct range_names *names, uint32_t file,
			enum world world, enum mode mode, uint64_t start, uint64_t end);
/* "orders.db", and where the range has a name "orders.db RESERVED". end 0: of no one range. */
const char *phrase_file_range(struct scratch *scratch, const struct catalog *catalog,
			      struct range_names *names, uint32_t file, enum world world,
			      uint64_t start, uint64_t end, const char *directory);
/* What was found, without a full stop: "backup[4711] lost its lock on orders.db by closing …". */
const char *phrase_finding(struct scratch *scratch, const struct catalog *catalog,
			   struct range_names *names, const struct finding *finding,
			   const char *directory);
/* "83 % in fsync, 12 % running, 5 % otherwise": of the time in which it was looked at. */
#define LOOKS_WORTH_TELLING 5 /* fewer say nothing of the whole */
const char *phrase_doing(struct scratch *scratch, const struct doing_looks *looks);
/* "running", "asleep", "io", …: as JSON has it. */
const char *doing_name(enum doing doing);
/* "EAGAIN", "error 4711". */
const char *phrase_error(struct scratch *scratch, int error);
/* "SIGKILL", "signal 64". */
const char *phrase_signal(struct scratch *scratch, int signal);
/* "fcntl F_SETLKW", "flock". */
const char *phrase_call(struct scratch *scratch, uint8_t op);
/* "1,204". */
const char *phrase_count(struct scratch *scratch, uint64_t count);
/* "1 record", "1,204 records". */
const char *phrase_number(struct scratch *scratch, uint64_t count, const char *one,
			  const char *many);
/* "1.203 s". */
const char *phrase_duration(struct scratch *scratch, uint64_t ns);
/* "03:12:07". */
const char *phrase_clock(struct scratch *scratch, const struct catalog *catalog, uint64_t time);

#endif
