# SPDX-License-Identifier: MIT
# From holds and waits to the words of a report.
unit_test(histogram stats)
foreach(test stats_waits stats_chains stats_requests stats_resources stats_doings)
	unit_test(${test} stats)
	target_sources(unit-${test} PRIVATE stats_told.c)
endforeach()
unit_test(ioctls stats)
unit_test(queues stats)
unit_test(stats_polls stats)
unit_test(findings findings)
unit_test(render_phrases render)
unit_test(render_json_text render PkgConfig::JSON)
unit_test(render_sites render)
# Before the archive of the real symbols, which is not linked then.
target_sources(unit-render_sites PRIVATE ${PROJECT_SOURCE_DIR}/tests/golden/fake_symbols.c)
