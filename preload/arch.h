/* SPDX-License-Identifier: MIT */
/*
 * All that depends on the processor: system calls of our own and the entry of syscall(2). To port
 * flocktrace, port this file.
 *
 * Our own system calls are made here and not through libc, so that errno stays untouched, no call
 * is a cancellation point, and nobody's wrapper (not even ours) sees them. They return -errno like
 * the kernel.
 */
#ifndef PRELOAD_ARCH_H
#define PRELOAD_ARCH_H

#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)

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

/*
 * syscall(2) forwards by a jump, without a frame of ours: vfork and clone return twice, on this
 * very stack. Numbers whose bit is set in `map` jump to `hook` instead, which finds its arguments
 * where syscall() had them.
 */
#define ARCH_SYSCALL_ENTRY(map, bits, hook, real)  \
	__asm__(".text\n"                          \
		".globl syscall\n"                 \
		".type syscall, @function\n"       \
		".p2align 4\n"                     \
		"syscall:\n"                       \
		"	.cfi_startproc\n"                \
		"	endbr64\n"                       \
		"	cmp $" #bits ", %rdi\n"    \
		"	jae 1f\n"                        \
		"	bt %rdi, " #map "(%rip)\n" \
		"	jc " #hook "\n"            \
		"1:	jmp *" #real "(%rip)\n"    \
		"	.cfi_endproc\n"                  \
		".size syscall, .-syscall\n")

#elif defined(__aarch64__)

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

#define ARCH_SYSCALL_ENTRY(map, bits, hook, real)          \
	__asm__(".text\n"                                  \
		".globl syscall\n"                         \
		".type syscall, %function\n"               \
		".p2align 4\n"                             \
		"syscall:\n"                               \
		"	.cfi_startproc\n"                        \
		"	hint 34\n" /* bti c */             \
		"	cmp x0, #" #bits "\n"              \
		"	b.hs 1f\n"                               \
		"	adrp x16, " #map "\n"              \
		"	add x16, x16, :lo12:" #map "\n"    \
		"	lsr x17, x0, #6\n"                       \
		"	ldr x16, [x16, x17, lsl #3]\n"           \
		"	lsr x16, x16, x0\n"                      \
		"	tbnz x16, #0, " #hook "\n"         \
		"1:	adrp x16, " #real "\n"             \
		"	ldr x16, [x16, :lo12:" #real "]\n" \
		"	br x16\n"                                \
		"	.cfi_endproc\n"                          \
		".size syscall, .-syscall\n")

#else
#error "flocktrace: port preload/arch.h to this processor"
#endif

#define raw0(number)	      raw_syscall(number, 0, 0, 0, 0, 0, 0)
#define raw1(number, a)	      raw_syscall(number, (long)(a), 0, 0, 0, 0, 0)
#define raw2(number, a, b)    raw_syscall(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define raw3(number, a, b, c) raw_syscall(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define raw4(number, a, b, c, d) \
	raw_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define raw6(number, a, b, c, d, e, f) \
	raw_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
