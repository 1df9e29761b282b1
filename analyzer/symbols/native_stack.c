/* SPDX-License-Identifier: MIT */
#include "analyzer/symbols/native_stack.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { FRAMES_MAX = 64 };

struct walk {
	Dwfl *dwfl;
	struct native_stack *stack;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *describe(Dwfl *dwfl, Dwarf_Addr pc)
{
	Dwfl_Module *module = dwfl_addrmodule(dwfl, pc);
	const char *function = module ? dwfl_module_addrname(module, pc) : NULL;
	Dwfl_Line *line = module ? dwfl_module_getsrc(module, pc) : NULL;
	const char *file = NULL, *path;
	int number = 0;

	if (line)
		file = dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL);
	if (function && file)
		return xasprintf("%s() %s:%d", function, base_name(file), number);
	if (!module)
		return xasprintf("0x%" PRIx64, (uint64_t)pc);
	path = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	return function ? xasprintf("%s() in %s", function, base_name(path))
			: xasprintf("0x%" PRIx64 " in %s", (uint64_t)pc, base_name(path));
}

static int add_frame(Dwfl_Frame *frame, void *context)
{
	struct walk *walk = context;
	Dwarf_Addr pc;
	bool innermost;

	if (!dwfl_frame_pc(frame, &pc, &innermost) || walk->stack->frames.count >= FRAMES_MAX)
		return DWARF_CB_ABORT;
	/* The call, not where it returns to. */
	vec_push(&walk->stack->frames, describe(walk->dwfl, pc - !innermost));
	return DWARF_CB_OK;
}

int native_stack_read(struct native_stack *stack, pid_t pid, pid_t tid)
{
	static char *no_path;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &no_path,
	};
	struct walk walk = { dwfl_begin(&callbacks), stack };
	int error = 0;

	*stack = (struct native_stack){ 0 };
	if (!walk.dwfl)
		return ENOMEM;
	error = dwfl_linux_proc_report(walk.dwfl, pid);
	if (!error && dwfl_report_end(walk.dwfl, NULL, NULL))
		error = EIO;
	if (!error)
		error = dwfl_linux_proc_attach(walk.dwfl, pid, false);
	if (!error) {
		errno = 0;
		dwfl_getthread_frames(walk.dwfl, tid, add_frame, &walk);
		if (!stack->frames.count)
			error = errno ? errno : EIO;
	}
	dwfl_end(walk.dwfl);
	return error > 0 ? error : error ? EIO : 0;
}

void native_stack_free(struct native_stack *stack)
{
	for (uint32_t i = 0; i < stack->frames.count; i++)
		free(stack->frames.items[i]);
	vec_free(&stack->frames);
}
