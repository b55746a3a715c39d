/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Would what all VMs use now fit after host_failures failures, less what
 * performance_degradation lets them lose? A warning begins at once and ends
 * when nothing was wrong for FDM_USE_QUIET_MS, so that it does not come and go
 * with each measure.
 */
#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "FaultDomain/use.h"
#include "ha/fdmparams.h"

static const char *const NAMES[FDM_USE_KINDS] = { "CPU", "memory" };

bool
fdm_use_is_wanted(struct fdm *fdm)
{
	struct fdm_use *use = &fdm->use;
	struct ha_fdm_params params;
	struct respond_pairs pairs;

	if (use->seen_copy != fdm->copies) {
		use->seen_copy = fdm->copies;
		pairs = fdm_pairs(fdm->facts->policy);
		/* Bad values are the responder's to log; defaults hold. */
		(void)ha_fdm_params_lenient(respond_pair, &pairs, &params,
					    NULL);
		use->is_wanted = fdm->facts->has_domain &&
				 params.performance_degradation <
					 HA_ADMISSION_DEGRADATION_DEFAULT;
	}
	return use->is_wanted;
}

static void
step(struct fdm *fdm, int kind, bool is_wrong, uint64_t now_ms,
     uint64_t quiet_ms)
{
	struct fdm_use *use = &fdm->use;
	enum ha_use_news news = ha_use_alarm_step(&use->alarms[kind], is_wrong,
						  now_ms, quiet_ms);

	if (news == HA_USE_SAME || !fdm_master_may_write(fdm, now_ms)) {
		return;
	}
	if (news == HA_USE_BEGUN) {
		fdm_log(FDM_LOG_DEGRADATION, use->warnings[kind]);
	} else {
		fdm_log(FDM_LOG_DEGRADATION_END, NAMES[kind]);
	}
}

static void
judge(struct fdm *fdm, const struct fdm_stock *stock, uint64_t now_ms)
{
	const struct ha_admission_question question = {
		.inv = &stock->inv,
		.policy = &stock->policy,
	};
	struct ha_admission_use found;

	ha_admission_use(&question, &found);
	for (int kind = 0; kind < FDM_USE_KINDS; kind++) {
		struct ha_err text = HA_ERR_INIT;
		bool is_wrong = ha_admission_warning(&stock->policy, &found,
						     kind == 1, &text);

		/* What ends in a while says what it was. */
		if (is_wrong) {
			g_strlcpy(fdm->use.warnings[kind], text.text,
				  sizeof(fdm->use.warnings[kind]));
		}
		step(fdm, kind, is_wrong, now_ms, FDM_USE_QUIET_MS);
	}
}

void
fdm_use_judge_tick(struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_stock *stock;

	if (!fdm_has_facts(fdm) || now_ms < fdm->use.judge_ms) {
		return;
	}
	fdm->use.judge_ms = now_ms + FDM_USE_JUDGE_MS;
	if (!fdm_use_is_wanted(fdm)) {
		for (int kind = 0; kind < FDM_USE_KINDS; kind++) {
			step(fdm, kind, false, now_ms, 0);
		}
		return;
	}
	stock = fdm_stock_get(fdm, now_ms);
	if (stock && stock->is_complete) {
		judge(fdm, stock, now_ms);
	}
}

json_t *
fdm_use_warnings(const struct fdm *fdm)
{
	json_t *warnings = json_array();

	for (int kind = 0; kind < FDM_USE_KINDS; kind++) {
		if (fdm->use.alarms[kind].is_on) {
			(void)json_array_append_new(
				warnings, json_string(fdm->use.warnings[kind]));
		}
	}
	return warnings;
}
