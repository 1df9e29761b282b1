/* SPDX-License-Identifier: MIT */
/*
 * All that depends on the processor: system calls of our own and the entry of syscall(2). To port
 * flocktrace, port this file.
 *
 * Our own system calls are made here and not through libc, so that errno stays untouched, no call
 * is a cancellation point, and nobody's wrapper (not even ours) sees them. They return -errno like
 * the kernel; behind a filter that the host has installed, -EPERM without a call (sandbox.h).
 */
#ifndef PRELOAD_ARCH_H
#define PRELOAD_ARCH_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "preload/sandbox.h"

#if defined(__x86_64__)

#define ARCH_AUDIT UINT32_C(0xc000003e) /* AUDIT_ARCH_X86_64: how seccomp filters call it */

static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* The processor's own clock, where reading it is cheaper than the vDSO's. */
#define ARCH_HAS_TICKS 1

static inline uint64_t arch_ticks(void)
{
	return __builtin_ia32_rdtsc();
}

/*
 * Calls function(argument) on another stack. The caller must have a frame pointer
 * (-fno-omit-frame-pointer): through it both it and an unwinder find the way back.
 */
static inline void call_on_stack(void *top, void (*function)(void *argument), void *argument)
{
	register void *kept __asm__("rbx") = top;

	__asm__ volatile("xchg %%rbx, %%rsp\n\t"
			 "call *%[function]\n\t"
			 "mov %%rbx, %%rsp"
			 : "+r"(kept), "+D"(argument)
			 : [function] "r"(function)
			 : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
			   "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
			   "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
}

/* clang-format off */

/*
 * In vfork() and syscall(): a child may come to share this thread's struct thread (thread.h), if it
 * has one. `l`: its first word says so; `q`: its second too.
 */
#define ARCH_SHARE_THREAD(words)                               \
	"	movq thread_made@gottpoff(%rip), %rax\n"       \
	"	movq %fs:(%rax), %rax\n"                       \
	"	testq %rax, %rax\n"                            \
	"	je 1f\n"                                       \
	"	mov" #words " $-1, (%rax)\n"

/*
 * syscall(2) forwards by a jump, without a frame of ours: vfork and clone return twice, on this
 * very stack. Numbers whose bit is set in `map` jump to `hook` instead, which finds its arguments
 * where syscall() had them; those whose bit is set in `clones` may make a child in our memory.
 */
#define ARCH_SYSCALL_ENTRY(map, clones, bits, hook, real)      \
	__asm__(".text\n"                                      \
		".globl syscall\n"                             \
		".type syscall, @function\n"                   \
		".p2align 4\n"                                 \
		"syscall:\n"                                   \
		"	.cfi_startproc\n"                      \
		"	endbr64\n"                             \
		"	cmp $" #bits ", %rdi\n"                \
		"	jae 1f\n"                              \
		"	bt %rdi, " #map "(%rip)\n"             \
		"	jc " #hook "\n"                        \
		"	bt %rdi, " #clones "(%rip)\n"          \
		"	jnc 1f\n"                              \
		ARCH_SHARE_THREAD(q)                           \
		"1:	jmp *" #real "(%rip)\n"                \
		"	.cfi_endproc\n"                        \
		".size syscall, .-syscall\n")

/* vfork(2) returns twice too; its parent waits for the child. */
#define ARCH_VFORK_ENTRY(real)                                 \
	__asm__(".text\n"                                      \
		".globl vfork\n"                               \
		".type vfork, @function\n"                     \
		".p2align 4\n"                                 \
		"vfork:\n"                                     \
		"	.cfi_startproc\n"                      \
		"	endbr64\n"                             \
		ARCH_SHARE_THREAD(l)                           \
		"1:	jmp *" #real "(%rip)\n"                \
		"	.cfi_endproc\n"                        \
		".size vfork, .-vfork\n")

/* clang-format on */

#elif defined(__aarch64__)

#define ARCH_AUDIT     UINT32_C(0xc00000b7) /* AUDIT_ARCH_AARCH64 */

static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

/* The vDSO reads the counter itself, and is as cheap. */
#define ARCH_HAS_TICKS 0

static inline uint64_t arch_ticks(void)
{
	return 0;
}

static inline void call_on_stack(void *top, void (*function)(void *argument), void *argument)
{
	register void *kept __asm__("x19") = top;
	register void *x0 __asm__("x0") = argument;

	__asm__ volatile("mov x9, sp\n\t"
			 "mov sp, x19\n\t"
			 "mov x19, x9\n\t"
			 "blr %[function]\n\t"
			 "mov sp, x19"
			 : "+r"(kept), "+r"(x0)
			 : [function] "r"(function)
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "x30", "v0", "v1", "v2", "v3",
			   "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22",
			   "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory",
			   "cc");
}

/* clang-format off */

#define ARCH_SHARE_THREAD(words)                               \
	"	adrp x16, :gottprel:thread_made\n"             \
	"	ldr x16, [x16, :gottprel_lo12:thread_made]\n"  \
	"	mrs x17, tpidr_el0\n"                          \
	"	ldr x16, [x17, x16]\n"                         \
	"	cbz x16, 1f\n"                                 \
	"	mov x17, #-1\n"                                \
	"	str " #words "17, [x16]\n"

#define ARCH_SYSCALL_ENTRY(map, clones, bits, hook, real)      \
	__asm__(".text\n"                                      \
		".globl syscall\n"                             \
		".type syscall, %function\n"                   \
		".p2align 4\n"                                 \
		"syscall:\n"                                   \
		"	.cfi_startproc\n"                      \
		"	hint 34\n" /* bti c */                 \
		"	cmp x0, #" #bits "\n"                  \
		"	b.hs 1f\n"                             \
		"	lsr x17, x0, #6\n"                     \
		"	adrp x16, " #map "\n"                  \
		"	add x16, x16, :lo12:" #map "\n"        \
		"	ldr x16, [x16, x17, lsl #3]\n"         \
		"	lsr x16, x16, x0\n"                    \
		"	tbz x16, #0, 2f\n"                     \
		"	b " #hook "\n" /* may be far */       \
		"2:	adrp x16, " #clones "\n"              \
		"	add x16, x16, :lo12:" #clones "\n"     \
		"	ldr x16, [x16, x17, lsl #3]\n"         \
		"	lsr x16, x16, x0\n"                    \
		"	tbz x16, #0, 1f\n"                     \
		ARCH_SHARE_THREAD(x)                           \
		"1:	adrp x16, " #real "\n"                 \
		"	ldr x16, [x16, :lo12:" #real "]\n"     \
		"	br x16\n"                              \
		"	.cfi_endproc\n"                        \
		".size syscall, .-syscall\n")

#define ARCH_VFORK_ENTRY(real)                                 \
	__asm__(".text\n"                                      \
		".globl vfork\n"                               \
		".type vfork, %function\n"                     \
		".p2align 4\n"                                 \
		"vfork:\n"                                     \
		"	.cfi_startproc\n"                      \
		"	hint 34\n" /* bti c */                 \
		ARCH_SHARE_THREAD(w)                           \
		"1:	adrp x16, " #real "\n"                 \
		"	ldr x16, [x16, :lo12:" #real "]\n"     \
		"	br x16\n"                              \
		"	.cfi_endproc\n"                        \
		".size vfork, .-vfork\n")

/* clang-format on */

#else
#error "flocktrace: port preload/arch.h to this processor"
#endif

/* What the host itself asked for is made by raw_syscall() whatever the filter; our own calls are
 * these. */
static inline long own_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	return may_ask() ? raw_syscall(number, a, b, c, d, e, f) : -EPERM;
}

#define raw0(number)	      own_syscall(number, 0, 0, 0, 0, 0, 0)
#define raw1(number, a)	      own_syscall(number, (long)(a), 0, 0, 0, 0, 0)
#define raw2(number, a, b)    own_syscall(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define raw3(number, a, b, c) own_syscall(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define raw4(number, a, b, c, d) \
	own_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define raw6(number, a, b, c, d, e, f) \
	own_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
