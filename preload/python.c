/* SPDX-License-Identifier: MIT */
#include "preload/python.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#include "preload/probe.h"
#include "preload/python_layout.h"
#include "preload/sandbox.h"

static const struct layout layouts[] = {
	{ 0x030b, 56, 8, 32, 48, 56, 0, 72, 184, 48, 72 },
	{ 0x030c, 56, 0, 0, 8, 56, 70, 68, 192, 40, 56 },
	{ 0x030d, 72, NO_CFRAME, 0, 8, 56, 70, 68, 200, 40, 56 },
};

const struct layout *python_layout;
bool python_here;

static struct {
	const void *code_type, *str_type, *bytes_type;
	int (*has_gil)(void);
	void *(*thread_state)(void);
	int (*finalizing)(void);
	_Atomic int proved; /* that the layout is right: enum proof */
} python;

enum proof { NOT_YET, PROVED, REFUTED };

static bool find(const char *name, void *place)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	memcpy(place, &found, sizeof(found));
	return found;
}

/*
 * What the program brings along itself can't be unloaded; a Python that is loaded later could, and
 * is not looked for.
 */
void python_prepare(void)
{
	const unsigned long *version;

	if (find("Py_Version", &version) && find("PyCode_Type", &python.code_type) &&
	    find("PyUnicode_Type", &python.str_type) && find("PyBytes_Type", &python.bytes_type) &&
	    find("PyGILState_Check", &python.has_gil) &&
	    find("PyGILState_GetThisThreadState", &python.thread_state) &&
	    (find("Py_IsFinalizing", &python.finalizing) ||
	     find("_Py_IsFinalizing", &python.finalizing)))
		for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
			if (layouts[i].version == *version >> 16)
				python_layout = &layouts[i];
	dlerror(); /* what there is not is nothing the host should find */
	python_here = python_layout;
}

/* ---- Reading objects that stay as they are: this thread's frames refer to them */

/*
 * Who ends the interpreter frees the states of the threads that are left, at any moment, but
 * nothing else of them: their frames stay. So what a state said counts only if that has not begun
 * by then.
 */
static uintptr_t first_frame(uintptr_t state)
{
	uintptr_t word = word_at(state + python_layout->state_frame);

	atomic_thread_fence(memory_order_acquire);
	if (python.finalizing())
		return 0;
	return python_layout->cframe_frame == NO_CFRAME
		       ? word
		       : word_at(word + python_layout->cframe_frame);
}

static uintptr_t next_frame(uintptr_t frame)
{
	return word_at(frame + python_layout->frame_previous);
}

static bool is_script(uintptr_t frame)
{
	uint16_t owner = python_layout->frame_owner;

	return (!owner || *(const char *)(frame + owner) != OWNED_BY_C) &&
	       word_at(word_at(frame + python_layout->frame_code) + OBJECT_TYPE) ==
		       (uintptr_t)python.code_type;
}

/* ---- The proof */

static bool probe_word(uintptr_t address, uintptr_t *word)
{
	return address && address % sizeof(*word) == 0 &&
	       probe_readable((const void *)address, sizeof(*word)) &&
	       (*word = word_at(address), true);
}

static bool is_of_type(uintptr_t object, const void *type)
{
	uintptr_t found;

	return probe_word(object + OBJECT_TYPE, &found) && found == (uintptr_t)type;
}

static bool points_to(uintptr_t address, const void *type)
{
	uintptr_t object;

	return probe_word(address, &object) && is_of_type(object, type);
}

/* Every pointer leads where it should, and the instruction lies within the code. */
static bool is_sound(uintptr_t code, uintptr_t at)
{
	uintptr_t units;

	return points_to(code + CODE_FILENAME, python.str_type) &&
	       points_to(code + CODE_QUALNAME, python.str_type) &&
	       points_to(code + CODE_LINES, python.bytes_type) &&
	       probe_word(code + OBJECT_SIZE, &units) &&
	       at + UNIT - code - python_layout->code_start <=
		       units * UNIT; /* before the first, too */
}

/* Each step is looked at before it is taken. Frames among which is no script's would not be as
 * expected. */
static enum proof prove(uintptr_t state, uint32_t depth)
{
	const struct layout *layout = python_layout;
	uintptr_t at = state + layout->state_frame, frame, code;
	enum proof proof = REFUTED;

	if (layout->cframe_frame != NO_CFRAME) {
		if (!probe_word(at, &at))
			return REFUTED;
		at += layout->cframe_frame;
	}
	if (!probe_word(at, &frame))
		return REFUTED;
	if (!frame)
		return NOT_YET;
	while (frame && depth--) {
		uintptr_t instruction;

		if (!probe_word(frame + layout->frame_code, &code) ||
		    !probe_word(frame + layout->frame_at, &instruction))
			return REFUTED;
		if (is_of_type(code, python.code_type)) {
			if (!is_sound(code, instruction))
				return REFUTED;
			proof = PROVED;
		}
		if (!probe_word(frame + layout->frame_previous, &frame))
			return REFUTED;
	}
	return proof;
}

/*
 * The innermost frame of this thread, if it may be read: else 0. Without the GIL it can't be
 * running a script, so its frames stay as they are.
 */
static uintptr_t quiet_frame(uint32_t depth)
{
	int proved = atomic_load_explicit(&python.proved, memory_order_relaxed);
	uintptr_t state;

	if (proved == REFUTED || python.has_gil())
		return 0;
	state = (uintptr_t)python.thread_state();
	if (!state)
		return 0;
	if (likely(proved == PROVED))
		return first_frame(state);
	if (!may_ask() || python.finalizing())
		return 0;
	proved = prove(state, depth);
	atomic_store_explicit(&python.proved, proved, memory_order_relaxed);
	return proved == PROVED ? first_frame(state) : 0;
}

/* ---- Frames */

/* Another code may come to lie where one lay: its name is told apart too. */
uint64_t python_hash_frames(uint32_t depth)
{
	uint64_t hash = 0;

	for (uintptr_t frame = quiet_frame(depth); frame && depth--; frame = next_frame(frame)) {
		uintptr_t code;

		if (!is_script(frame))
			continue;
		code = word_at(frame + python_layout->frame_code);
		hash = (hash ^ code ^ word_at(code + CODE_QUALNAME) << 7) *
		       UINT64_C(0xbf58476d1ce4e5b9);
		hash ^= hash >> 29;
		hash = (hash ^ word_at(frame + python_layout->frame_at)) *
		       UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hash;
}

uint32_t python_frames(struct script_frame *frames, uint32_t room, bool *more)
{
	uintptr_t frame = python_here ? quiet_frame(room) : 0;
	uint32_t count = 0;

	for (uint32_t left = room; frame && left--; frame = next_frame(frame))
		if (is_script(frame))
			frames[count++] = (struct script_frame){
				.code = word_at(frame + python_layout->frame_code),
				.at = word_at(frame + python_layout->frame_at),
			};
	*more = frame && is_script(frame);
	return count;
}
