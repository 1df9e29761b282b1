#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/check-layers passes on this tree, and names the line of each violation put into a copy of it."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

# file that gets a new first line, the line
VIOLATIONS = [
    ("trace/ring.h", "#include <stdio.h>"),
    ("trace/ring.h", '#include "analyzer/event.h"'),
    ("preload/request.c", '#include "analyzer/event.h"'),
    ("preload/stack.c", "#include <libunwind.h>"),
    ("preload/stack.c", "# include <libunwind-ptrace.h>"),
    ("preload/file.c", '__attribute__((visibility ("default"))) int flocktrace_private;'),
    ("analyzer/base/units.c", '#include "analyzer/event.h"'),
    ("analyzer/read/reader.c", '#include "analyzer/model/model.h"'),
    ("analyzer/model/model.c", '#include "trace/format.h"'),
    ("analyzer/model/model.c", '#include "analyzer/read/reader.h"'),
    ("analyzer/stats/report.c", '#include "analyzer/symbols/symbols.h"'),
    ("analyzer/stats/report.c", '#include "trace/names.h"'),
    ("analyzer/symbols/symbols.c", '#include "analyzer/event.h"'),
    ("analyzer/system/process.c", '#include "trace/format.h"'),
    ("analyzer/launch/launcher.c", '#include "analyzer/read/reader.h"'),
    ("analyzer/render/text.c", '#include "analyzer/model/model.h"'),
    ("analyzer/render/text.c", '#include "trace/format.h"'),
    ("analyzer/render/text.c", "#include <elfutils/libdwfl.h>"),
    ("analyzer/commands/dump.c", "#include <json-c/json.h>"),
    ("analyzer/commands/dump.c", '#include "preload/real.h"'),
    ("analyzer/event.h", '#include "trace/format.h"'),
    ("analyzer/read/reader.c", '#include "../model/model.h"'),
    ("analyzer/read/reader.c", "#include <analyzer/model/model.h>"),
    ("analyzer/read/reader.c", "#include MODEL_HEADER"),
    ("analyzer/newcomer/newcomer.c", "int no_layer;"),
]


def check(tree):
    return subprocess.run([TOP / "scripts/check-layers", tree], capture_output=True, text=True)


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory)
        for part in ("trace", "preload", "analyzer"):
            shutil.copytree(TOP / part, copy / part)
        clean = check(copy)
        if clean.returncode:
            sys.exit(f"the tree itself:\n{clean.stdout}{clean.stderr}")
        for path, line in VIOLATIONS:
            file = copy / path
            text = file.read_text() if file.exists() else None
            file.parent.mkdir(exist_ok=True)
            file.write_text(line + "\n" + (text or ""))
            found = check(copy)
            if found.returncode != 1 or not found.stdout.startswith(f"{path}:1: "):
                print(f"not noticed: {line} in {path}\n{found.stdout}{found.stderr}")
                failures += 1
            file.unlink() if text is None else file.write_text(text)
    if failures:
        sys.exit(f"{failures} of {len(VIOLATIONS)} violations passed")
    print(f"{len(VIOLATIONS)} violations noticed")


main()
