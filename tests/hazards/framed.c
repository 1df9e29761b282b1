/* SPDX-License-Identifier: MIT */
/*
 * Libraries of one size whose functions call at the same address, one from a frame that %rbp points
 * to, the other (FRAMELESS) with anything in %rbp. Who unwinds the one by the rules of the other
 * follows that.
 */
#include "host.h"

#ifdef FRAMELESS
#define FRAME         \
	"	push $-1\n" \
	"	pop %rbp\n"
#else
#define FRAME               \
	"	mov %rsp, %rbp\n" \
	"	.cfi_def_cfa_register %rbp\n"
#endif

__attribute__((used)) static void lock(int fd)
{
	CHECK(!flock(fd, LOCK_EX));
	CHECK(!flock(fd, LOCK_UN));
}

__asm__(".text\n"
	".globl lock_in_library\n"
	".type lock_in_library, @function\n"
	".p2align 4\n"
	"lock_in_library:\n"
	"	.cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n" FRAME "	call lock\n"
	"	pop %rbp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size lock_in_library, .-lock_in_library\n");
