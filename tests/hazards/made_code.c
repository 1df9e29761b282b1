/* SPDX-License-Identifier: MIT */
/*
 * Code made at run time, of which no table tells how it uses the stack, calls a function that
 * locks. Then it is unmapped, and other code is made at the same address.
 */
#include "host.h"

#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)

static int fd;

static __attribute__((noinline)) void lock(void)
{
	lock_and_unlock(fd);
}

/* push rbp; mov rbp, garbage; sub rsp, room; mov rax, function; call rax; add rsp, room; pop rbp;
 * ret */
static void make(unsigned char *code, unsigned long garbage, unsigned room)
{
	static const unsigned char parts[] = { 0x55, 0x48, 0xbd, 0,    0, 0, 0, 0,    0,    0,
					       0,    0x48, 0x81, 0xec, 0, 0, 0, 0,    0x48, 0xb8,
					       0,    0,	   0,	 0,    0, 0, 0, 0,    0xff, 0xd0,
					       0x48, 0x81, 0xc4, 0,    0, 0, 0, 0x5d, 0xc3 };
	void (*function)(void) = lock;

	memcpy(code, parts, sizeof(parts));
	memcpy(code + 3, &garbage, 8);
	memcpy(code + 14, &room, 4);
	memcpy(code + 20, &function, 8);
	memcpy(code + 33, &room, 4);
}

static void run_made_code(void *at, unsigned long garbage, unsigned room)
{
	unsigned char *code = mmap(at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	void (*made)(void);

	CHECK(code == at);
	make(code, garbage, room);
	memcpy(&made, &code, sizeof(made));
	for (int i = 0; i < 5; i++)
		made();
	CHECK(!munmap(code, 4096));
}

int main(void)
{
	void *at = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long on_stack[4] = { 0 };
	int calls = 0;

	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && at != MAP_FAILED);
	for (unsigned room = 0; room < 4096; room += 512) {
		const unsigned long garbage[] = { 0,
						  1,
						  8,
						  (unsigned long)at,
						  ~7UL,
						  (unsigned long)on_stack,
						  0x8000000000000000,
						  (unsigned long)main };

		on_stack[0] = (unsigned long)on_stack + 0x100000;
		on_stack[1] = (unsigned long)at + 7;
		for (unsigned i = 0; i < sizeof(garbage) / sizeof(*garbage); i++, calls += 5)
			run_made_code(at, garbage[i], room);
	}
	printf("locked %d times\n", calls);
	return 0;
}

#else

int main(void)
{
	printf("no code is made for this processor\n");
	return 77;
}

#endif
