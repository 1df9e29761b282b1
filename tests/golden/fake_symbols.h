/* SPDX-License-Identifier: MIT */
/* Addresses that the fake symbols know. */
#ifndef TESTS_GOLDEN_FAKE_SYMBOLS_H
#define TESTS_GOLDEN_FAKE_SYMBOLS_H

enum fake_address {
	FAKE_FCNTL = 0x1000,
	FAKE_SAVE,
	FAKE_LOAD,
	FAKE_MAIN,
	FAKE_CPP,
	FAKE_INLINED,	/* two frames */
	FAKE_NO_SOURCE, /* a function without a line */
	FAKE_NOTHING,
	FAKE_CFUNCTION,
	FAKE_EVAL,
	FAKE_PP_FLOCK,
	FAKE_RUNOPS,
};

#endif
