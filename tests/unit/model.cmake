# SPDX-License-Identifier: MIT
foreach(test model_random)
	unit_test(${test} model)
	target_sources(unit-${test} PRIVATE model_events.c)
endforeach()
