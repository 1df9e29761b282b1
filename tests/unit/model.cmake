# SPDX-License-Identifier: MIT
foreach(test model_records model_flock model_descriptors model_unseen model_unknown model_waits model_random)
	unit_test(${test} model)
	target_sources(unit-${test} PRIVATE model_events.c)
endforeach()
