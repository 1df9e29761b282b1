/* SPDX-License-Identifier: MIT */
#include "trace/names.h"

const struct lock_op_info lock_ops[LOCK_OPS] = {
#define X(id, call, command, world, owner, action) \
	[OP_##id] = { call, command, WORLD_##world, OWNER_##owner, ACTION_##action },
#include "trace/lock_ops.def"
#undef X
};

const char *const call_names[CALL_OPS] = {
#define X(id, text, ...) [CALL_##id] = text,
#include "trace/call_ops.def"
#undef X
};
