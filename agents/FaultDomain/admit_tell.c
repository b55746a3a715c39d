/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Admission for people: "status", one VM, the node attribute that crm_mon -A
 * shows, red and green in the log. Shows, decides nothing. Hosts that are not
 * master show what tickets say, and name who knows more.
 */
#include <string.h>

#include "FaultDomain/admit_door.h"
#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define LIST_MAX 50u /* VMs of each list: the answer is one packet */
#define RED "red: "

static const char *
policy_name(int type)
{
	switch ((enum ha_admission_type)type) {
	case HA_ADMISSION_PERCENTAGE:
		return "percentage";
	case HA_ADMISSION_SLOT:
		return "slot";
	case HA_ADMISSION_DEDICATED:
		return "dedicated";
	case HA_ADMISSION_DISABLED:
		break;
	}
	return "disabled";
}

static const char *
state_name(enum fdm_admit_state state)
{
	switch (state) {
	case FDM_ADMIT_GREEN:
		return "green";
	case FDM_ADMIT_RED:
		return "red";
	case FDM_ADMIT_DISABLED:
		return "disabled";
	case FDM_ADMIT_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *
fdm_admit_help(const struct fdm *fdm, const char *resource)
{
	const struct fdm_admission *one = fdm_admit_find(fdm, resource);

	return one ? one->help : "";
}

/* ---- in crm_mon, and in the log ------------------------------------------------ */

/* What the last master has said is not said again. */
static void
recall(struct fdm *fdm)
{
	struct fdm_admit *admit = fdm->admit;

	admit->is_recalled = true;
	admit->was_red = false;
	for (guint i = 0; i < fdm->facts->nodes->len; i++) {
		const char *told = fdm_xml_nvpair(
			g_array_index(fdm->facts->nodes, struct fdm_node, i)
				.transient,
			"instance_attributes", FDM_ADMISSION_ATTR);

		admit->was_red |= told && g_str_has_prefix(told, RED);
	}
}

static void
tell_state(struct fdm_admit *admit)
{
	bool is_red = admit->state == FDM_ADMIT_RED;

	if (is_red && !admit->was_red) {
		fdm_log(FDM_LOG_ADMISSION_RED, admit->why);
	} else if (!is_red && admit->was_red) {
		fdm_log(FDM_LOG_ADMISSION_GREEN);
	}
	admit->was_red = is_red;
}

static const struct fdm_row *
first_refused(const struct fdm *fdm)
{
	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);

		if (fdm_row_is_refused(row) && row->refusal &&
		    row->vm->is_wanted) {
			return row;
		}
	}
	return NULL;
}

/* "" for nothing. */
static void
put_shown(const struct fdm *fdm, char *buffer, size_t size)
{
	const struct fdm_admit *admit = fdm->admit;
	const struct fdm_row *refused = first_refused(fdm);

	buffer[0] = '\0';
	if (admit->state == FDM_ADMIT_DISABLED) {
		return;
	}
	if (admit->state == FDM_ADMIT_RED) {
		(void)g_snprintf(buffer, (gulong)size, RED "%s", admit->why);
	} else if (refused) {
		(void)g_snprintf(buffer, (gulong)size, "refused %s: %s",
				 refused->vm->resource, refused->refusal);
	} else {
		g_strlcpy(buffer, state_name(admit->state), size);
	}
}

void
fdm_admit_tick(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_admit *admit = fdm->admit;
	const struct fdm_node *self;
	char text[HA_ERR_TEXT];

	if (!fdm->rows || !fdm_master_may_write(fdm, now_ms)) {
		return;
	}
	fdm_doors_tick(fdm, now_ms);
	if (admit->state == FDM_ADMIT_UNKNOWN) {
		return;
	}
	if (!admit->is_recalled) {
		recall(fdm);
	}
	tell_state(admit);
	self = fdm_facts_node(fdm->facts, fdm->snap->self);
	if (!self) {
		return;
	}
	put_shown(fdm, text, sizeof(text));
	/* Each write has Pacemaker begin anew: not while VMs are being started,
	 * where the sentence changes with each of them. */
	if (!(admit->shown[0] && fdm->restart->is_watching) &&
	    !ha_gate_is_same_text(admit->shown, text)) {
		g_strlcpy(admit->shown, text, sizeof(admit->shown));
	}
	(void)fdm_attr_follow(fdm, &admit->attr, self->name, FDM_ADMISSION_ATTR,
			      fdm_attr_shown(fdm, FDM_ADMISSION_ATTR),
			      admit->shown, now_ms);
}

/* ---- in answers ------------------------------------------------------------------ */

static void
add_vms(const struct fdm *fdm, json_t *refused, json_t *marked)
{
	for (guint i = 0; fdm->rows && i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);
		const char *name = row->vm->resource;
		const struct fdm_admission *one = fdm_admit_find(fdm, name);

		if (fdm_row_is_refused(row) && row->vm->is_wanted &&
		    json_array_size(refused) < LIST_MAX) {
			(void)json_array_append_new(
				refused,
				json_pack("{s:s, s:s, s:s}", "resource", name,
					  "text",
					  row->refusal ? row->refusal : "",
					  "help", fdm_admit_help(fdm, name)));
		} else if (one &&
			   (one->word == FDM_ADMIT_UNADMITTED ||
			    one->word == FDM_ADMIT_RAISE_REFUSED) &&
			   json_array_size(marked) < LIST_MAX) {
			(void)json_array_append_new(
				marked, json_pack("{s:s, s:s}", "resource",
						  name, "text", one->text));
		}
	}
}

static json_t *
errors_json(const struct fdm_stock *stock)
{
	json_t *errors = json_array();

	for (guint i = 0; stock && i < stock->errors->len && i < LIST_MAX;
	     i++) {
		(void)json_array_append_new(
			errors,
			json_string(g_ptr_array_index(stock->errors, i)));
	}
	return errors;
}

/* Why the state is not known here. */
static void
put_unknown(const struct fdm *fdm, const struct fdm_stock *stock,
	    bool is_master, char *buffer, size_t size)
{
	const struct fdm_host *master =
		fdm->snap ? fdm_snap_master(fdm->snap) : NULL;

	if (is_master) {
		(void)g_snprintf(buffer, (gulong)size, "%s",
				 stock && stock->why[0] ? stock->why :
							  "not judged yet");
	} else if (master) {
		(void)g_snprintf(buffer, (gulong)size,
				 "the master judges: vmha status on %s",
				 master->name);
	} else {
		g_strlcpy(buffer, "no host is master: nobody judges", size);
	}
}

json_t *
fdm_admit_json(struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_stock *stock = fdm_stock_get(fdm, now_ms);
	const struct fdm_admit *admit = fdm->admit;
	json_t *refused = json_array();
	json_t *marked = json_array();
	json_t *errors = errors_json(stock);
	char why[HA_ERR_TEXT];
	bool is_yes;

	g_strlcpy(why, admit->why, sizeof(why));
	if (admit->state == FDM_ADMIT_UNKNOWN) {
		put_unknown(fdm, stock, fdm->master.term != 0, why,
			    sizeof(why));
	}
	if (admit->state == FDM_ADMIT_RED) {
		fdm_doors_unasked(fdm, errors);
	}
	is_yes = admit->state == FDM_ADMIT_GREEN ||
		 admit->state == FDM_ADMIT_DISABLED;
	add_vms(fdm, refused, marked);
	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "policy",
		stock ? policy_name((int)stock->policy.type) : "percentage",
		"guarantee",
		stock && stock->policy.guarantee == HA_ADMISSION_ARITHMETIC ?
			"arithmetic" :
			"plan",
		"host_failures", stock ? (int)stock->policy.host_failures : 0,
		"state", state_name(admit->state), "why", is_yes ? "" : why,
		"help", admit->state == FDM_ADMIT_RED ? admit->help : "",
		"refused", refused, "marked", marked, "errors", errors,
		"warnings", fdm_use_warnings(fdm));
}

json_t *
fdm_admit_vm_json(const struct fdm *fdm, const struct fdm_vm *vm,
		  const struct fdm_row *row)
{
	const struct fdm_admission *one = fdm_admit_find(fdm, vm->resource);
	const struct fdm_ticket *ticket = &vm->ticket;
	const char *state = NULL;
	const char *text = "";

	if (!row) {
		return json_null();
	}
	if (fdm_row_is_refused(row)) {
		state = "refused";
		text = row->refusal ? row->refusal : "";
	} else if (row->admission == HA_GATE_OPEN && one &&
		   one->word == FDM_ADMIT_UNADMITTED) {
		state = "not-admitted";
		text = one->text;
	} else if (row->admission == HA_GATE_OPEN && one &&
		   one->word == FDM_ADMIT_RAISE_REFUSED) {
		state = "raise-refused";
		text = one->text;
	} else if (row->admission == HA_GATE_ADMITTED ||
		   (ticket->has_reserved && row->gate == HA_PROTECT_OPEN)) {
		state = "admitted";
	}
	if (!state) {
		return json_null();
	}
	return json_pack(
		"{s:s, s:s, s:s, s:I, s:I}", "state", state, "text", text,
		"help", text[0] ? fdm_admit_help(fdm, vm->resource) : "",
		"cpu_mhz",
		(json_int_t)(row->has_reserved ? row->reserved.cpu_mhz :
						 ticket->cpu_mhz),
		"memory_mb",
		(json_int_t)(row->has_reserved ? row->reserved.memory_mb :
						 ticket->memory_mb));
}
