/* SPDX-License-Identifier: MIT */
/* The operations as enums, and their names, generated from lock_ops.def and call_ops.def. */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

enum lock_op {
#define X(id, ...) OP_##id,
#include "trace/lock_ops.def"
#undef X
	LOCK_OPS
};

enum call_op {
#define X(id, ...) CALL_##id,
#include "trace/call_ops.def"
#undef X
	CALL_OPS
};

enum lock_world { WORLD_RECORD, WORLD_FLOCK };
enum lock_owner { OWNER_PROCESS, OWNER_DESCRIPTION };
enum lock_action { ACTION_SET, ACTION_WAIT, ACTION_QUERY };

struct lock_op_info {
	const char *call;    /* libc function */
	const char *command; /* "" for flock */
	enum lock_world world;
	enum lock_owner owner;
	enum lock_action action;
};

/* Indexed by enum lock_op and enum call_op. */
extern const struct lock_op_info lock_ops[LOCK_OPS];
extern const char *const call_names[CALL_OPS];

#endif
