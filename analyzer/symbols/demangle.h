/* SPDX-License-Identifier: MIT */
/* C++ names, and Rust's older ones, as their authors wrote them. */
#ifndef ANALYZER_SYMBOLS_DEMANGLE_H
#define ANALYZER_SYMBOLS_DEMANGLE_H

/* The readable name, to be freed; NULL: not mangled, or no demangler on this machine. */
char *demangle(const char *name);

#endif
