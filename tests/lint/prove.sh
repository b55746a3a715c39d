#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A lint that cannot fail is worse than none: this plants one violation per
# rule into a copy of the tree and wants a report that names the planted file.
#   prove.sh BUILD
# BUILD holds the archives of the tree; it is read, never written.
set -euo pipefail

build=$(realpath "$1")
PYTHON=${PYTHON:-/usr/bin/python3}
CC=${CC:-gcc}
RUN_TIMEOUT_S=120
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
passed=0 failed=0

# An empty tree around one planted file: quick, and what is reported can only
# come from the plant.
fresh() {
	rm -rf "$tree"
	mkdir -p "$tree"/{libha/{base,core,codec,params,io,include},agents,tests}
	cp -r tests/lint "$tree/tests/"
	cp .clang-format "$tree/"
	rm -f "$tree/tests/lint/prove.sh"
}

plant() {
	mkdir -p "$(dirname "$tree/$1")"
	cat >"$tree/$1"
}

# wants NAME PATTERN COMMAND...: the command fails and says PATTERN.
wants() {
	local name=$1 pattern=$2 status=0
	shift 2
	(cd "$tree" && timeout "$RUN_TIMEOUT_S" "$@") >"$scratch/out" 2>&1 ||
		status=$?
	if ((status == 1)) && grep -qE "$pattern" "$scratch/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "lint-prove: $name: the planted violation was not found" \
			"(status $status):"
		sed 's/^/    /' "$scratch/out" | head -n 5
	fi
}

# The same command on the planted file's clean twin must be quiet, or the
# report above could be about anything.
clean() {
	local name=$1 status=0
	shift
	(cd "$tree" && timeout "$RUN_TIMEOUT_S" "$@") >"$scratch/out" 2>&1 ||
		status=$?
	if ((status == 0)); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "lint-prove: $name: clean input was refused ($status):"
		sed 's/^/    /' "$scratch/out" | head -n 5
	fi
}

lint=tests/lint/lint.sh
spdx='/* SPDX-License-Identifier: GPL-2.0-or-later */'

fresh
printf '%s\nint\nfine(int a)\n{\n\treturn a;\n}\n' "$spdx" | plant agents/p.c
printf '#!/usr/bin/env bash\n# SPDX-License-Identifier: %s\necho hi\n' \
	GPL-2.0-or-later | plant agents/p
printf '# SPDX-License-Identifier: GPL-2.0-or-later\nprint(1)\n' |
	plant agents/p.py
for rule in format cppcheck analyzer shell python size spdx; do
	clean "$rule" "$lint" "$rule"
done

fresh
printf '%s\nint bad(int a) { return a; }\n' "$spdx" | plant agents/p.c
wants format 'agents/p.c' "$lint" format

fresh
plant agents/p.c <<'C'
int bad(void);
int
bad(void)
{
	int a[2] = { 1, 2 };
	int i = 5;

	return a[i];
}
C
wants cppcheck 'agents/p.c:.*arrayIndex' "$lint" cppcheck

fresh
plant agents/p.c <<'C'
#include <stdlib.h>
int bad(int n);
int
bad(int n)
{
	int *p = malloc(sizeof(*p));

	if (n) {
		free(p);
	}
	free(p);
	return n;
}
C
wants analyzer 'agents/p.c:.*(double|free)' "$lint" analyzer

fresh
# shellcheck disable=SC2016 # the planted line must stay as it is
printf '#!/usr/bin/env bash\nrm $1\n' | plant agents/p
wants shell 'agents/p' "$lint" shell

fresh
printf 'def f(:\n' | plant agents/p.py
wants python 'agents/p.py' "$lint" python
printf 'print(undefined_name)\n' | plant agents/p.py
wants pyflakes 'agents/p.py.*undefined' "$lint" python

fresh
{
	printf 'int\nlong_one(void)\n{\n'
	for _ in {1..58}; do
		echo
	done
	printf '}\n'
} | plant agents/p.c
wants function-size 'agents/p.c.*long_one' "$lint" size
fresh
for _ in {1..501}; do echo '# line'; done | plant agents/p.py
wants file-size 'agents/p.py: 501' "$lint" size

fresh
printf 'int p;\n' | plant agents/p.c
wants spdx 'agents/p.c' "$lint" spdx
printf '%s\n' "$spdx" | plant libha/base/p.h
wants spdx-lgpl 'libha/base/p.h.*LGPL' "$lint" spdx

fresh
mkdir -p "$tree/docs"
# shellcheck disable=SC2016 # backquotes of the page, not of the shell
printf '| `KNOWN_MS` | 20 ms | |\n' >"$tree/docs/TIMEOUTS.md"
printf '#define KNOWN_MS 20u\n' | plant tools/p.c
clean times-known "$lint" times
printf '#define KNOWN_MS 30u\n' | plant tools/p.c
wants times-value 'tools/p.c.*does not say 30' "$lint" times
printf '#define PLANTED_MS 20u\n' | plant tools/p.c
wants times-row 'tools/p.c.*PLANTED_MS.*no row' "$lint" times

# Layers: a copy of the archives, with one object added where it must not be.
layers() {
	rm -rf "$scratch/b"
	mkdir -p "$scratch/b"
	cp -r "$build/libha" "$scratch/b/"
}

# object ARCHIVE: adds what stdin says, as C, to the archive.
object() {
	"$CC" -w -O0 -fno-builtin -x c -c -o "$scratch/planted.o" -
	ar q "$scratch/b/libha/$1" "$scratch/planted.o" 2>/dev/null
}
check_layers=("$PYTHON" tests/lint/layers.py "$scratch/b")

fresh
layers
echo 'long t(void) { return time(0); }' | object libha-core.a
wants core-clock 'planted.o.*core may not use time' "${check_layers[@]}"
layers
echo 'void *m(void) { return malloc(1); }' | object libha-core.a
wants core-malloc 'core may not use malloc' "${check_layers[@]}"
layers
echo 'int o(void) { return open("/", 0); }' | object libha-codec.a
wants codec-io 'codec may not use open' "${check_layers[@]}"
layers
echo 'int d(void) { return 1; }' | object libha-io-planted.a
echo 'int c(void) { return d(); }' | object libha-core.a
wants core-uses-io 'core uses d\(\) of io' "${check_layers[@]}"

layers
echo '#include "ha/proc.h"' | plant libha/core/p.c
wants core-include 'core/p.c:1: core may not include "ha/proc.h"' \
	"${check_layers[@]}"
echo '#include <unistd.h>' | plant libha/core/p.c
wants core-system 'core/p.c:1: core may not include <unistd.h>' \
	"${check_layers[@]}"
fresh
mkdir -p "$tree/agents/Other"
echo '#include "Other/x.h"' | plant agents/One/p.c
wants agent-agent 'One/p.c:1: includes the agent Other' "${check_layers[@]}"
echo '#include "../../tests/x.h"' | plant agents/One/p.c
wants includes-tests 'One/p.c:1: includes tests' "${check_layers[@]}"

fresh
mkdir -p "$scratch/b/agents/One"
echo 'double sin(double); int main(int c, char **v) { return sin(c); }' |
	"$CC" -w -fno-builtin -x c -Wl,--no-as-needed \
		-o "$scratch/b/agents/One/One" - -lm
wants needed 'One: may not link libm' "${check_layers[@]}" \
	"$scratch/b/agents/One/One"

echo "lint-prove: $passed passed, $failed failed"
((failed == 0))
