/* SPDX-License-Identifier: MIT */
/* What to do next: the same again for the same seed. */
#ifndef TESTS_REPLAY_CHOICES_H
#define TESTS_REPLAY_CHOICES_H

#include "tests/replay/replay.h"

void choices_seed(uint64_t seed);

/* 0 .. limit - 1 */
unsigned below(unsigned limit);
bool one_in(unsigned n);

/* One of the open fds (bits), or any if there are none. */
int any_fd(unsigned open);

struct command a_lock(int fd);
struct command an_open(void);
struct command a_close(int fd);
struct command a_dup(int fd);

#endif
