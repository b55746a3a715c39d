#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fuzz.sh BUILD SECONDS NAME...: searches with each target for a time. What it
# finds on the way stays below BUILD; an input that fails is named, to be
# copied into tests/fuzz/corpus/NAME with the fix.
set -uo pipefail

build=$1
seconds=$2
shift 2
MAX_INPUT_BYTES=16384
ONE_INPUT_TIMEOUT_S=5
failed=0

for name; do
	found=$build/found/$name
	mkdir -p "$found"
	log=$build/$name.log
	if timeout --kill-after=5 $((seconds + 60)) \
		"$build/tests/fuzz/${name}_fuzz" \
		-max_total_time="$seconds" -max_len=$MAX_INPUT_BYTES \
		-timeout=$ONE_INPUT_TIMEOUT_S -print_final_stats=1 \
		-artifact_prefix="$build/$name-" \
		"$found" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "$name: $runs inputs in $seconds s, nothing found"
	else
		failed=$((failed + 1))
		tail -n 40 "$log"
		echo "$name: FAILED, see $log"
	fi
done

echo "$(($# - failed)) passed, $failed failed"
[[ $failed -eq 0 ]]
