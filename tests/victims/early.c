/* SPDX-License-Identifier: MIT */
/* Has a library whose constructor and destructor lock. */
#include "victim.h"

#include "early_library.h"

int main(void)
{
	CHECK(early_calls == 1);
	return done();
}
