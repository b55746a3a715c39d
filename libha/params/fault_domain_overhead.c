/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Overheads of a host, what it keeps for itself: an amount, a share, or the sum
 * of both. Absurd ones are refused; what is left is never below 0.
 */
#include <errno.h>
#include <string.h>

#include "ha/fdmparams.h"
#include "ha/text.h"

#define SEPARATORS " \t\n,"
#define PERCENT_MAX 100u
#define WORD_BYTES 24u

int
ha_fdm_overhead_parse(const char *text, struct ha_fdm_overhead *ret_overhead)
{
	struct ha_fdm_overhead overhead = { .amount = 0 };
	bool has_amount = false;
	bool has_percent = false;

	while (text && *(text += strspn(text, SEPARATORS))) {
		size_t len = strcspn(text, SEPARATORS);
		bool is_percent = text[len - 1] == '%';
		size_t digits = is_percent ? len - 1 : len;
		char word[WORD_BYTES] = "";
		uint64_t value = 0;

		if (digits >= sizeof(word) ||
		    (is_percent ? has_percent : has_amount)) {
			return -EINVAL;
		}
		memcpy(word, text, digits);
		if (ha_text_uint64(word, &value) < 0 ||
		    value > (is_percent ? PERCENT_MAX : INT32_MAX)) {
			return -EINVAL;
		}
		if (is_percent) {
			has_percent = true;
			overhead.percent = (uint32_t)value;
		} else {
			has_amount = true;
			overhead.amount = value;
		}
		text += len;
	}
	*ret_overhead = overhead;
	return 0;
}

uint64_t
ha_fdm_overhead_take(uint64_t value, const struct ha_fdm_overhead *overhead)
{
	uint64_t share =
		value / PERCENT_MAX * overhead->percent +
		(value % PERCENT_MAX * overhead->percent + PERCENT_MAX - 1) /
			PERCENT_MAX;

	if (overhead->amount >= value || share >= value - overhead->amount) {
		return 0;
	}
	return value - overhead->amount - share;
}
