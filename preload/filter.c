/* SPDX-License-Identifier: MIT */
#include "preload/filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

#include "preload/arch.h"
#include "preload/probe.h"

/* The machine's accumulator; programs that do more than look at number and architecture are not
 * followed. */
struct value {
	uint32_t word;
	bool known;
};

static struct value load(uint32_t offset, uint32_t number)
{
	switch (offset) {
	case offsetof(struct seccomp_data, nr):
		return (struct value){ number, true };
	case offsetof(struct seccomp_data, arch):
		return (struct value){ ARCH_AUDIT, true };
	default:
		return (struct value){ 0, false };
	}
}

static bool holds(uint16_t code, uint32_t word, uint32_t constant)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return word == constant;
	case BPF_JGT:
		return word > constant;
	case BPF_JGE:
		return word >= constant;
	default:
		return word & constant; /* BPF_JSET */
	}
}

/* Jumps lead forward only, so this ends. */
static bool allows(const struct sock_fprog *program, uint32_t number)
{
	struct value value = { 0, false };

	for (uint32_t at = 0; at < program->len; at++) {
		const struct sock_filter *step = &program->filter[at];

		if (step->code == (BPF_LD | BPF_W | BPF_ABS)) {
			value = load(step->k, number);
		} else if (step->code == (BPF_RET | BPF_K)) {
			return (step->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW ||
			       (step->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG;
		} else if (step->code == (BPF_JMP | BPF_JA)) {
			if (step->k >= program->len)
				return false;
			at += step->k;
		} else if (BPF_CLASS(step->code) == BPF_JMP && BPF_SRC(step->code) == BPF_K &&
			   value.known) {
			at += holds(step->code, value.word, step->k) ? step->jt : step->jf;
		} else {
			return false;
		}
	}
	return false;
}

bool filter_allows(const void *fprog, const int *numbers, size_t count)
{
	struct sock_fprog program;

	if (!probe_readable(fprog, sizeof(program)))
		return false;
	memcpy(&program, fprog, sizeof(program));
	if (!program.len || !probe_readable(program.filter, program.len * sizeof(*program.filter)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!allows(&program, (uint32_t)numbers[i]))
			return false;
	return true;
}
