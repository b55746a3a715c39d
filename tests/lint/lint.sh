#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The style rules that a tool can judge, one function each:
#   lint.sh format|cppcheck|analyzer|shell|python|size|spdx|times
# Run from the top of the tree; looks at what git knows or would add, or at
# every file where there is no git. Prints one line per violation; exit status
# 0 clean, 1 violations, 2 a tool is missing. A missing tool is a failure: a
# lint that is skipped without a word finds nothing for ever.
set -euo pipefail

FILE_LINES_MAX=500     # split by decision past this
TEST_LINES_MAX=600     # a test reads top to bottom, and is split later
FUNCTION_LINES_MAX=60
HEADER_LINES=5         # the licence must be read without scrolling
JOBS=${JOBS:-2}
FILE_TIMEOUT_S=120     # one source in one analyzer

CLANG_FORMAT=${CLANG_FORMAT:-clang-format}
CC=${CC:-gcc}
PYTHON=${PYTHON:-/usr/bin/python3}

need() {
	local tool
	for tool; do
		if ! command -v "$tool" >/dev/null; then
			echo "lint: $tool is missing: make deps" >&2
			exit 2
		fi
	done
}

# NUL-separated paths of the tree's own files, without build output.
files() {
	if git rev-parse --show-toplevel >/dev/null 2>&1; then
		git ls-files -z --cached --others --exclude-standard
	else
		find . -path ./build -prune -o -path ./.git -prune -o \
			-type f -printf '%P\0'
	fi | while IFS= read -r -d '' path; do
		if [[ -f $path && ! -L $path ]]; then
			printf '%s\0' "$path"
		fi
	done
}

first_line() {
	local line=
	IFS= read -r line <"$1" 2>/dev/null || true
	printf '%s' "${line//$'\r'/}"
}

# Files of one language, by name or by their first line.
language() {
	local want=$1 path
	while IFS= read -r -d '' path; do
		case $want:$path in
		c:*.[ch] | source:*.c | python:*.py | shell:*.sh | shell:*.bash)
			printf '%s\0' "$path"
			continue
			;;
		python:*.* | shell:*.* | c:* | source:*)
			continue
			;;
		esac
		case $want:$(first_line "$path" 2>/dev/null | tr -d '\0') in
		python:'#!'*python* | shell:'#!'*/bash | shell:'#!'*/sh | \
			shell:'#!'*'env bash' | shell:'#!'*'/sh -e')
			printf '%s\0' "$path"
			;;
		esac
	done < <(files 2>/dev/null)
}

lint_format() {
	need "$CLANG_FORMAT"
	language c | xargs -0 -r "$CLANG_FORMAT" --dry-run --Werror 2>&1 |
		sed -n 's/^\([^:]*\):\([0-9]*\):.*error: code should.*/\1/p' |
		sort | uniq -c | while read -r count path; do
			echo "lint-format: $path: $count places;" \
				"$CLANG_FORMAT -i $path"
		done | fail_if_any
}

lint_cppcheck() {
	need cppcheck
	# Unknown macros and missing system headers are the compiler's matter.
	language source | xargs -0 -r cppcheck -j "$JOBS" --quiet \
		--std=c11 --language=c --enable=warning,portability,performance \
		--inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
		--suppressions-list=tests/lint/cppcheck.suppress \
		--template='lint-cppcheck: {file}:{line}: {id}: {message}' \
		-Ilibha/include -Iagents -Ifencing -Ilibha -D_GNU_SOURCE -D__x86_64__ \
		-DVMHA_VERSION='"0"' -DVMHA_LIBEXECDIR='"/"' -DVMHA_OCFDIR='"/"'
}

# The test guest is freestanding 32-bit code with rules of its own.
analyzer_sources() {
	language source | grep -zv '^tests/cluster/guest/'
}

lint_analyzer() {
	need "$CC" pkg-config
	local -a cflags
	read -r -a cflags < <(pkg-config --cflags libxml-2.0 libvirt \
		gio-unix-2.0 pacemaker-cib)
	analyzer_sources | xargs -0 -r -n 1 -P "$JOBS" timeout \
		"$FILE_TIMEOUT_S" "$CC" -std=gnu11 -O0 -fanalyzer -Werror \
		-Ilibha/include -Iagents -Ifencing -Ilibha -D_GNU_SOURCE= \
		-DVMHA_VERSION='"0"' -DVMHA_LIBEXECDIR='"/"' -DVMHA_OCFDIR='"/"' \
		-fdiagnostics-path-format=none -fno-diagnostics-show-caret \
		"${cflags[@]}" -c -o /dev/null
}

lint_shell() {
	need shellcheck
	language shell | xargs -0 -r shellcheck --severity=style \
		--external-sources --exclude=SC1091
}

lint_python() {
	need "$PYTHON"
	local status=0
	language python | xargs -0 -r "$PYTHON" -c '
import sys
bad = 0
for path in sys.argv[1:]:
    try:
        with open(path, encoding="utf-8") as f:
            compile(f.read(), path, "exec")
    except (SyntaxError, UnicodeDecodeError) as problem:
        print(f"lint-python: {path}: {problem}")
        bad = 1
sys.exit(bad)' || status=1
	if ! "$PYTHON" -c 'import pyflakes' 2>/dev/null; then
		echo "lint: pyflakes is missing: make deps" >&2
		return 2
	fi
	language python | xargs -0 -r "$PYTHON" -m pyflakes || status=1
	return "$status"
}

lint_size() {
	need ctags
	local path lines max status=0
	{
		language c
		language python
		language shell
	} | while IFS= read -r -d '' path; do
		lines=$(wc -l <"$path")
		max=$FILE_LINES_MAX
		if [[ $path == tests/* ]]; then
			max=$TEST_LINES_MAX
		fi
		if ((lines > max)); then
			echo "lint-size: $path: $lines lines of $max:" \
				"split it by decision"
		fi
	done | fail_if_any || status=1
	language source | xargs -0 -r ctags --fields=+ne-t --kinds-C=f -o - |
		awk -F'\t' -v max="$FUNCTION_LINES_MAX" '
		!/^!/ {
			first = last = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) first = substr($i, 6)
				if ($i ~ /^end:/) last = substr($i, 5)
			}
			if (last - first + 1 > max)
				printf "lint-size: %s:%d: %s() has %d lines of %d\n",
					$2, first, $1, last - first + 1, max
		}' | fail_if_any || status=1
	return "$status"
}

# Data, texts and fixtures that cannot carry a comment have no header.
spdx_exempt() {
	case $1 in
	COPYING* | README* | */README* | VERSION | .gitignore | *.md | *.xml | *.json | *.txt | \
		*/data/* | */corpus/* | *.patch | *.in.* | \
		packaging/debian/*)
		return 0
		;;
	esac
	return 1
}

lint_spdx() {
	local path want
	while IFS= read -r -d '' path; do
		if spdx_exempt "$path" || ! grep -Iq . "$path"; then
			continue
		fi
		want=GPL-2.0-or-later
		case $path in
		libha/*.[ch] | packaging/pkgconfig/*) want=LGPL-2.1-or-later ;;
		libha/*) want='L\?GPL-2.[01]-or-later' ;;
		esac
		if ! head -n "$HEADER_LINES" "$path" |
			grep -q "SPDX-License-Identifier: $want"; then
			echo "lint-spdx: $path: no \"SPDX-License-Identifier:" \
				"$want\" in its first $HEADER_LINES lines"
		fi
	done < <(files) | fail_if_any
}

# Every wait has a row in docs/TIMEOUTS.md that says the code's number. What
# converts units (_PER_), bounds a range (_MIN_, _MAX_) or is a place on disk
# (AT_) is no wait. The agents' own numbers are held by timeouts_test.
lint_times() {
	local path line number text
	while IFS= read -r -d '' path; do
		case $path in
		fencing/*.[ch] | tools/*.[ch] | libha/io/disk/*.[ch] | \
			agents/FaultDomain/*.[ch] | \
			libha/io/ipc/*.[ch] | agents/FaultDomain/*.[ch]) ;;
		*) continue ;;
		esac
		while read -r line; do
			number=${line##* }
			text="\`${line%% *}\`"
			if ! grep -F "$text" docs/TIMEOUTS.md 2>/dev/null |
				grep -qF "$text "; then
				echo "lint-times: $path: $text has no row in" \
					"docs/TIMEOUTS.md"
			elif ! grep -F "$text" docs/TIMEOUTS.md |
				grep -qE "[ |]${number%u} m?s([ ,|]|$)"; then
				echo "lint-times: $path: docs/TIMEOUTS.md" \
					"does not say ${number%u} for $text"
			fi
		done < <(sed -nE 's/^#define +([A-Z0-9_]+_(MS|S)) +\(?([0-9]+)u?.*/\1 \3/p' \
			"$path" | grep -vE '_PER_|_(MIN|MAX)_|^AT_')
	done < <(files) | fail_if_any
}

fail_if_any() {
	local found=0 line
	while IFS= read -r line; do
		printf '%s\n' "$line"
		found=1
	done
	return "$found"
}

status=0
case ${1:-} in
format) lint_format || status=$? ;;
cppcheck) lint_cppcheck || status=$? ;;
analyzer) lint_analyzer || status=$? ;;
shell) lint_shell || status=$? ;;
python) lint_python || status=$? ;;
size) lint_size || status=$? ;;
spdx) lint_spdx || status=$? ;;
times) lint_times || status=$? ;;
*)
	sed -n 's/^#   \(lint.sh .*\)/usage: \1/p' "$0" >&2
	exit 2
	;;
esac
# xargs says 123 for "a command failed".
exit $((status > 2 ? 1 : status))
