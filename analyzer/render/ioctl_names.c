/* SPDX-License-Identifier: MIT */
#include "analyzer/render/ioctl_names.h"

#include <linux/fs.h>
#include <linux/input.h>
#include <linux/pr.h>
#include <linux/vt.h>
#include <stddef.h>
#include <sys/ioctl.h>

const char *ioctl_name(unsigned long request)
{
	switch (request) {
#define X(name, excludes) \
	case name:        \
		return #name;
#include "trace/ioctls.def"
#undef X
	default:
		return NULL;
	}
}

bool ioctl_excludes(unsigned long request)
{
	switch (request) {
#define X(name, excludes) \
	case name:        \
		return excludes;
#include "trace/ioctls.def"
#undef X
	default:
		return false;
	}
}
