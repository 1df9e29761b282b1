/* SPDX-License-Identifier: MIT */
#include "host.h"

#if defined(__x86_64__)
__asm__(".text\n"
	".globl through_no_tables\n"
	".type through_no_tables, @function\n"
	"through_no_tables:\n"
	"	push %rbp\n"
	"	mov %rdx, %rbp\n"
	"	mov %rdi, %rax\n"
	"	mov %esi, %edi\n"
	"	call *%rax\n"
	"	pop %rbp\n"
	"	ret\n"
	".size through_no_tables, .-through_no_tables\n"
	".section .note.GNU-stack,\"\",@progbits\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl through_no_tables\n"
	".type through_no_tables, %function\n"
	"through_no_tables:\n"
	"	stp x29, x30, [sp, #-16]!\n"
	"	mov x29, x2\n"
	"	mov x9, x0\n"
	"	mov w0, w1\n"
	"	blr x9\n"
	"	ldp x29, x30, [sp], #16\n"
	"	ret\n"
	".size through_no_tables, .-through_no_tables\n"
	".section .note.GNU-stack,\"\",%progbits\n");
#else
#error "write the frame without tables for this processor"
#endif
