/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha admission check and explain: a cluster, libha's verdict about it, the
 * exit code. Judges nothing itself, changes nothing, and never prints
 * half an answer: bad input gives one JSON object with "error", or nothing.
 */
#include "admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/clock.h"

/* As JSON in memory about 1 GB; 1000 hosts of 20 VMs, two of which fail, would
 * be 20 million. The proof does not depend on it. */
#define MOVES_MAX ((size_t)2 * 1000 * 1000)
#define JUDGE_MS 110000u

static void
forget(void *closure)
{
	struct weighing *weighing = closure;

	(void)json_array_clear(weighing->certificate);
	weighing->moves = 0;
	weighing->is_too_large = false;
}

static bool
remember(const struct ha_plan_set *set, void *closure)
{
	struct weighing *weighing = closure;

	if (ha_clock_now_ms() >= weighing->give_up_at_ms) {
		return false;
	}
	weighing->moves += 1 + set->n_moves;
	if (weighing->moves > MOVES_MAX) {
		weighing->is_too_large = true;
		return json_array_clear(weighing->certificate) == 0;
	}
	return json_array_append_new(
		       weighing->certificate,
		       ha_admission_set_json(&weighing->file->inv, set)) == 0;
}

int
weighing_decide(struct vmha *v, struct weighing *weighing)
{
	const struct ha_inventory_file *file = weighing->file;
	int rc;

	weighing->question = (struct ha_admission_question){
		.inv = &file->inv,
		.used = file->used,
		.policy = &file->policy,
		.request = &file->request,
		.begin = forget,
		.told = remember,
		.closure = weighing,
	};
	weighing->certificate = json_array();
	weighing->work = malloc(ha_admission_work_bytes(&weighing->question));
	if (!weighing->work || !weighing->certificate) {
		return ha_err_set(&v->err, -ENOMEM,
				  "no memory for a cluster of this size");
	}
	vmha_step("judging", weighing->source, JUDGE_MS);
	weighing->give_up_at_ms =
		ha_clock_now_ms() +
		(weighing->judge_ms ? weighing->judge_ms : JUDGE_MS / 2);
	rc = ha_admission_judge(&weighing->question, weighing->work,
				&weighing->answer, &v->err);
	if (rc == 0) {
		ha_admission_text(&weighing->question, &weighing->answer,
				  &weighing->reason, &weighing->help);
	}
	return rc;
}

int
weighing_judge(struct vmha *v, struct weighing *weighing)
{
	int rc = weighing_decide(v, weighing);

	return rc < 0 ? weighing_fail(v, rc) : 0;
}

void
weighing_again(struct weighing *weighing)
{
	json_decref(weighing->certificate);
	free(weighing->work);
	weighing->certificate = NULL;
	weighing->work = NULL;
	weighing->moves = 0;
	weighing->is_too_large = false;
	weighing->reason = (struct ha_err)HA_ERR_INIT;
	weighing->help = (struct ha_err)HA_ERR_INIT;
}

void
weighing_done(struct weighing *weighing)
{
	weighing_again(weighing);
	ha_inventory_file_free(weighing->file);
	json_decref(weighing->warnings);
	cib_facts_done(&weighing->facts);
}

int
weighing_exit(const struct ha_admission_answer *answer)
{
	if (ha_admission_is_yes(answer->verdict)) {
		return VMHA_OK;
	}
	return answer->is_conservative ? VMHA_UNDECIDED : VMHA_FAILED;
}

json_t *
weighing_json(const struct weighing *weighing)
{
	char sentence[2 * HA_ERR_TEXT + 32]; /* and the words between */
	json_t *json;
	json_t *warnings = json_deep_copy(weighing->warnings);

	snprintf(sentence, sizeof(sentence), "%s%s%s", weighing->reason.text,
		 weighing->help.text[0] ? "; what would help: " : "",
		 weighing->help.text);
	json = ha_admission_answer_json(&weighing->file->policy,
					&weighing->answer, sentence,
					json_incref(weighing->certificate));
	if (weighing->is_too_large) {
		(void)json_object_set_new(json_object_get(json, "plan"),
					  "certificate_left_out", json_true());
	}
	for (int is_memory = 0; is_memory < 2; is_memory++) {
		struct ha_err text = HA_ERR_INIT;

		if (ha_admission_warning(&weighing->file->policy,
					 &weighing->answer.use, is_memory == 1,
					 &text)) {
			(void)json_array_append_new(warnings,
						    json_string(text.text));
		}
	}
	if (json_array_size(warnings) > 0) {
		(void)json_object_set(json, "warnings", warnings);
	}
	json_decref(warnings);
	if (weighing->is_cib) {
		(void)json_object_set_new(json, "judged_policy",
					  weighing_policy_json(weighing));
	}
	return json;
}

static int
answer(struct vmha *v, bool is_explained)
{
	struct weighing weighing;
	int rc = weighing_load(v, &weighing);

	if (rc == 0) {
		rc = weighing_judge(v, &weighing);
	}
	if (rc == 0 && v->args.is_json) {
		rc = vmha_json(v, weighing_json(&weighing));
	} else if (rc == 0) {
		weighing_show(v, &weighing);
		if (is_explained) {
			weighing_explain(v, &weighing);
		}
	}
	rc = rc == 0 ? weighing_exit(&weighing.answer) : rc;
	weighing_done(&weighing);
	return rc;
}

int
vmha_admission_check(struct vmha *v)
{
	return answer(v, false);
}

int
vmha_admission_explain(struct vmha *v)
{
	return answer(v, true);
}
