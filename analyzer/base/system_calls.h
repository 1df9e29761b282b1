/* SPDX-License-Identifier: MIT */
/* The system calls of the processor that this was built for, as its kernel header has them. */
#ifndef ANALYZER_BASE_SYSTEM_CALLS_H
#define ANALYZER_BASE_SYSTEM_CALLS_H

#include <elf.h>
#include <stdint.h>

/* Numbers mean something together with this alone. */
#if defined(__x86_64__)
#define SYSTEM_CALLS_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define SYSTEM_CALLS_MACHINE EM_AARCH64
#else
#error "flocktrace: name this processor as ELF does"
#endif

/* "fsync"; NULL: there is none of that number. */
const char *system_call_name(int32_t number);

#endif
