/* SPDX-License-Identifier: MIT */
/*
 * Says that it is a CPython, and has nothing of one where the recorder would look: what must be
 * found out before anything is read.
 *
 *   no_python TRAP…     locks a file in each of them
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "hazard.h"

const unsigned long Py_Version = 0x030b02f0;
char PyCode_Type[512], PyUnicode_Type[512], PyBytes_Type[512];

int PyGILState_Check(void);
int _Py_IsFinalizing(void);
void *PyGILState_GetThisThreadState(void);

static void *state;

int PyGILState_Check(void)
{
	return 0;
}

int _Py_IsFinalizing(void)
{
	return 0;
}

void *PyGILState_GetThisThreadState(void)
{
	return state;
}

/* Words of memory with nothing mapped behind them. */
static uintptr_t *last_words(size_t count)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(pages != MAP_FAILED && !munmap(pages + 4096, 4096));
	return (uintptr_t *)(pages + 4096) - count;
}

static uintptr_t *words(void)
{
	uintptr_t *all = calloc(64, sizeof(*all));

	REQUIRE(all);
	return all;
}

/* By the offsets of CPython 3.11: state[7] -> cframe[1] -> frame: [4] code, [6] previous, [7] at.
 */
static void *state_with(uintptr_t frame)
{
	uintptr_t *found = words(), *cframe = words();

	found[7] = (uintptr_t)cframe;
	cframe[1] = frame;
	return found;
}

static uintptr_t frame_with(uintptr_t code, uintptr_t previous)
{
	uintptr_t *frame = words();

	frame[4] = code;
	frame[6] = previous;
	frame[7] = code + 184;
	return (uintptr_t)frame;
}

static uintptr_t code_of_type(void *type, uintptr_t name)
{
	uintptr_t *code = words();

	code[1] = (uintptr_t)type;
	code[2] = 1;
	code[14] = code[16] = code[17] = name;
	return (uintptr_t)code;
}

static void *trap(const char *name)
{
	uintptr_t *loop = words(), *short_frame = last_words(5);

	loop[4] = code_of_type(words(), 0);
	loop[6] = (uintptr_t)loop;
	if (!strcmp(name, "none"))
		return NULL;
	if (!strcmp(name, "wild"))
		return (void *)0x10;
	if (!strcmp(name, "odd"))
		return (char *)words() + 3;
	if (!strcmp(name, "empty"))
		return state_with(0);
	if (!strcmp(name, "wild-frame"))
		return state_with(UINTPTR_MAX - 7);
	if (!strcmp(name, "cut-off-frame"))
		return state_with((uintptr_t)short_frame);
	if (!strcmp(name, "wild-code"))
		return state_with(frame_with(0x1000, 0));
	if (!strcmp(name, "no-code"))
		return state_with(frame_with(code_of_type(words(), 0), 0));
	if (!strcmp(name, "nameless-code"))
		return state_with(frame_with(code_of_type(PyCode_Type, 0), 0));
	if (!strcmp(name, "wild-name"))
		return state_with(frame_with(code_of_type(PyCode_Type, 0x4000), 0));
	if (!strcmp(name, "loop"))
		return state_with((uintptr_t)loop);
	REQUIRE(!"a trap of that name");
	return NULL;
}

int main(int argc, char **argv)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	REQUIRE(fd >= 0);
	for (int i = 1; i < argc; i++) {
		state = trap(argv[i]);
		lock_record(fd, F_SETLKW, F_WRLCK);
		unlock_record(fd);
		printf("%s: locked\n", argv[i]);
	}
	return 0;
}
