#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs cmocka programs, each with a deadline, and says how many of their tests
# passed and failed. A program that crashes, hangs or runs no test counts as a
# failed test, since cmocka itself can't count what it did not live to see.
# Output of a program is shown only when something in it failed.
set -uo pipefail

PROGRAM_TIMEOUT_S=120

export CMOCKA_MESSAGE_OUTPUT=tap
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export LC_ALL=C

passed=0
failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

for program; do
	timeout --kill-after=5 "$PROGRAM_TIMEOUT_S" "$program" \
		>"$output" 2>&1 </dev/null
	rc=$?
	ok=$(grep -c '^ok ' "$output")
	not_ok=$(grep -c '^not ok ' "$output")
	if [[ $not_ok -eq 0 && ($rc -ne 0 || $ok -eq 0) ]]; then
		not_ok=1
	fi
	if [[ $not_ok -gt 0 ]]; then
		echo "--- $program (exit status $rc)"
		cat "$output"
	fi
	printf '%s: %d passed, %d failed\n' "${program##*/}" "$ok" "$not_ok"
	passed=$((passed + ok))
	failed=$((failed + not_ok))
done

echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
