/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inventory file: refused with a sentence, or written out and read back
 * as the same; and judged, when it is small enough, without a slip of memory
 * and with a yes only where the figures are there.
 */
#include "fuzz.h"
#include "ha/inventory_file.h"

#define JUDGED_MAX 64u   /* hosts and machines */
#define STEPS_MAX 20000u /* of the search */

static void
judge(const struct ha_inventory_file *file)
{
	struct ha_admission_question question = {
		.inv = &file->inv,
		.used = file->used,
		.policy = &file->policy,
		.request = &file->request,
		.set_steps = STEPS_MAX,
		.all_steps = STEPS_MAX,
	};
	struct ha_admission_answer answer;
	struct ha_err err = HA_ERR_INIT;
	struct ha_err help = HA_ERR_INIT;
	void *work = malloc(ha_admission_work_bytes(&question));
	json_t *json;

	fuzz_expect(work != NULL);
	/* The decoder lets nothing through that is out of bounds. */
	fuzz_expect(ha_admission_judge(&question, work, &answer, &err) == 0);
	ha_admission_text(&question, &answer, &err, &help);
	fuzz_expect(err.text[0] != '\0');
	fuzz_expect(!answer.is_conservative ||
		    !ha_admission_is_yes(answer.verdict));
	json = ha_admission_answer_json(&file->policy, &answer, err.text,
					json_array());
	fuzz_expect(json != NULL);
	json_decref(json);
	free(work);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_inventory_file *file = NULL;
	struct ha_inventory_file *again = NULL;
	struct ha_err err = HA_ERR_INIT;
	json_t *first;
	json_t *second;

	if (ha_inventory_decode((const char *)data, size, &file, &err) < 0) {
		fuzz_expect(err.text[0] != '\0');
		fuzz_expect(file == NULL);
		return 0;
	}
	first = ha_inventory_encode(file);
	fuzz_expect(first != NULL);
	fuzz_expect(ha_inventory_decode_json(first, &again, &err) == 0);
	second = ha_inventory_encode(again);
	fuzz_expect(json_equal(first, second));
	json_decref(first);
	json_decref(second);
	ha_inventory_file_free(again);
	if (file->inv.n_hosts <= JUDGED_MAX && file->inv.n_vms <= JUDGED_MAX &&
	    file->policy.host_failures <= 2) {
		judge(file);
	}
	ha_inventory_file_free(file);
	return 0;
}
