/* SPDX-License-Identifier: MIT */
/* A library that makes its calls before main. */
#ifndef VICTIMS_EARLY_LIBRARY_H
#define VICTIMS_EARLY_LIBRARY_H

extern int early_calls; /* 1: all of them went as they should */

#endif
