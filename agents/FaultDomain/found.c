/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the looks at this host's processes bring: lines in the log, entries on
 * this host's VM list (SAFETY 12) and off it, and a node attribute that tells
 * the whole cluster. It lists what runs and clears what is proven gone; it
 * never ends a VM, since which of two copies is the right one is not proven
 * here.
 */
#include "FaultDomain/found.h"

#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define MS_PER_S 1000u
#define IDENTITIES_A_LOOK 8u

/* ---- log ----------------------------------------------------------------- */

static const char *
words_of(enum ha_found_kind kind)
{
	switch (kind) {
	case HA_FOUND_HAND_STARTED:
		return "what Pacemaker does not have on this host";
	case HA_FOUND_DUPLICATE:
	case HA_FOUND_TWIN:
		return "its second copy";
	case HA_FOUND_ORPHAN:
		return "the process without a resource";
	case HA_FOUND_STALE:
	case HA_FOUND_NONE:
	case HA_FOUND_N:
		break;
	}
	return "the entry without a process";
}

static void
log_begun(const char *resource, const struct fdm_found_one *one,
	  enum ha_found_kind kind)
{
	switch (kind) {
	case HA_FOUND_HAND_STARTED:
		fdm_log(FDM_LOG_HAND_STARTED, resource, one->domain,
			(int)one->pid);
		break;
	case HA_FOUND_DUPLICATE:
		fdm_log(FDM_LOG_DUPLICATE, resource, one->other, one->domain,
			(int)one->pid);
		break;
	case HA_FOUND_TWIN:
		fdm_log(FDM_LOG_TWIN, resource, one->other, one->domain,
			(int)one->pid);
		break;
	case HA_FOUND_ORPHAN:
		fdm_log(FDM_LOG_ORPHAN, resource, one->domain, (int)one->pid);
		break;
	case HA_FOUND_STALE:
	case HA_FOUND_NONE:
	case HA_FOUND_N:
		break;
	}
}

/* ---- what follows from a look -------------------------------------------- */

static struct fdm_look *
look_new(enum fdm_look_kind kind, const char *resource)
{
	struct fdm_look *look = g_new0(struct fdm_look, 1);

	look->kind = kind;
	g_strlcpy(look->resource, resource, sizeof(look->resource));
	return look;
}

static void
ask(struct fdm_found *found, struct fdm_found_one *one, enum fdm_look_kind kind,
    const struct fdm_subject *subject, uint64_t now_ms)
{
	struct fdm_look *look;

	/* A sealed host takes no new entry, and may take one off (SAFETY 9). */
	if (one->is_asked || now_ms < one->try_ms ||
	    (kind == FDM_LOOK_LIST && found->fdm->snap->is_sealed)) {
		return;
	}
	look = look_new(kind, subject->resource);
	g_strlcpy(look->uuid, kind == FDM_LOOK_LIST ? one->uuid : subject->uuid,
		  sizeof(look->uuid));
	if (kind == FDM_LOOK_CLEAR) {
		g_strlcpy(look->name, one->domain, sizeof(look->name));
	}
	look->since = subject->since;
	one->is_asked = true;
	fdm_looker_push(found->looker, look);
}

static struct fdm_found_one *
one_of(struct fdm_found *found, const char *resource)
{
	struct fdm_found_one *one = g_hash_table_lookup(found->ones, resource);

	if (!one) {
		one = g_new0(struct fdm_found_one, 1);
		g_hash_table_insert(found->ones, g_strdup(resource), one);
	}
	return one;
}

static void
take_process(struct fdm_found_one *one, const struct fdm_subject *subject)
{
	one->is_ours = subject->facts.is_ours;
	g_strlcpy(one->other, subject->other ? subject->other : "",
		  sizeof(one->other));
	if (subject->qemu) {
		one->pid = subject->qemu->id.pid;
		g_strlcpy(one->domain, subject->qemu->args.name,
			  sizeof(one->domain));
		g_strlcpy(one->uuid, subject->qemu->args.uuid,
			  sizeof(one->uuid));
	}
}

static void
judge_one(struct fdm_found *found, const struct fdm_subject *subject,
	  uint64_t now_ms)
{
	struct fdm_found_one *one = one_of(found, subject->resource);
	uint64_t since_ms = one->memory.since_ms;
	struct ha_found_verdict verdict =
		ha_found_step(&one->memory, &subject->facts, now_ms);

	if (ha_found_is_process(verdict.ended)) {
		fdm_log(FDM_LOG_FOUND_END, subject->resource,
			words_of(verdict.ended),
			(unsigned long long)((now_ms - since_ms) / MS_PER_S));
	}
	take_process(one, subject);
	if (verdict.begun != HA_FOUND_NONE) {
		/* What has failed before was another question. */
		one->try_ms = 0;
		one->is_told = false;
	}
	log_begun(subject->resource, one, verdict.begun);
	if (verdict.must_list && subject->qemu) {
		ask(found, one, FDM_LOOK_LIST, subject, now_ms);
	}
	if (verdict.may_clear && subject->since != 0) {
		ask(found, one, FDM_LOOK_CLEAR, subject, now_ms);
	}
	if (verdict.must_look) {
		found->next_ms = now_ms + FDM_LOOK_AGAIN_MS;
	}
	if (ha_found_is_over(&one->memory) && !one->is_asked) {
		g_hash_table_remove(found->ones, subject->resource);
	}
}

/* What no subject answers to any more is over. */
static void
forget(struct fdm_found *found, const struct fdm_sight *sight, uint64_t now_ms)
{
	GHashTableIter iter;
	gpointer key;
	gpointer value;

	g_hash_table_iter_init(&iter, found->ones);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		struct fdm_found_one *one = value;
		bool is_there = false;

		for (guint i = 0; i < sight->subjects->len && !is_there; i++) {
			is_there = strcmp(g_array_index(sight->subjects,
							struct fdm_subject, i)
						  .resource,
					  key) == 0;
		}
		if (is_there || one->is_asked) {
			continue;
		}
		if (ha_found_is_process(one->memory.kind)) {
			fdm_log(FDM_LOG_FOUND_END, (const char *)key,
				words_of(one->memory.kind),
				(unsigned long long)((now_ms -
						      one->memory.since_ms) /
						     MS_PER_S));
		}
		g_hash_table_iter_remove(&iter);
	}
}

/* A process of nobody's: whose may it be? */
static void
ask_identities(struct fdm_found *found, const struct fdm_sight *sight,
	       uint64_t now_ms)
{
	guint asked = 0;

	for (guint i = 0;
	     i < sight->strangers->len && asked < IDENTITIES_A_LOOK; i++) {
		const struct fdm_vm *vm =
			g_ptr_array_index(sight->strangers, i);
		struct fdm_identity *known =
			g_hash_table_lookup(found->identities, vm->resource);
		struct fdm_look *look;

		if (known && now_ms < known->at_ms + FDM_IDENTITY_MS) {
			continue;
		}
		if (!known) {
			known = g_new0(struct fdm_identity, 1);
			g_hash_table_insert(found->identities,
					    g_strdup(vm->resource), known);
		}
		known->at_ms = now_ms;
		look = look_new(FDM_LOOK_IDENTITY, vm->resource);
		for (guint j = 0; j < vm->params->len; j++) {
			const struct responder_param *param = &g_array_index(
				vm->params, struct responder_param, j);

			if (strcmp(param->name, "config") == 0) {
				g_free(look->config);
				look->config = g_strdup(param->value);
			}
		}
		asked++;
		fdm_looker_push(found->looker, look);
	}
}

static void
judge(struct fdm_found *found, const struct fdm_look *look)
{
	struct fdm *fdm = found->fdm;
	uint64_t now_ms = ha_clock_now_ms();
	struct fdm_sight *sight;

	if (!fdm_has_facts(fdm) || !fdm_has_snap(fdm, now_ms)) {
		return;
	}
	sight = fdm_sight_new(fdm->facts, fdm->snap, look->seen, look->count,
			      found->identities);
	found->foreign = sight->foreign;
	for (guint i = 0; i < sight->subjects->len; i++) {
		judge_one(
			found,
			&g_array_index(sight->subjects, struct fdm_subject, i),
			now_ms);
	}
	forget(found, sight, now_ms);
	ask_identities(found, sight, now_ms);
	fdm_sight_free(sight);
}

/* ---- answers of the looker ------------------------------------------------ */

static void
say_why(struct fdm_found *found, const char *why)
{
	if (why[0] && strcmp(why, found->why) != 0) {
		fdm_log(FDM_LOG_LOOK_FAILED, why);
	}
	g_strlcpy(found->why, why, sizeof(found->why));
}

static void
on_processes(struct fdm_found *found, const struct fdm_look *look)
{
	found->is_looking = false;
	if (look->code < 0) {
		say_why(found, look->err.text);
		return;
	}
	say_why(found, "");
	found->looked_ms = ha_clock_now_ms();
	judge(found, look);
}

static void
on_identity(struct fdm_found *found, const struct fdm_look *look)
{
	struct fdm_identity *known =
		g_hash_table_lookup(found->identities, look->resource);

	if (known && look->code == 0) {
		known->is_read = true;
		g_strlcpy(known->uuid, look->uuid, sizeof(known->uuid));
		g_strlcpy(known->name, look->name, sizeof(known->name));
		found->next_ms = ha_clock_now_ms() + FDM_LOOK_AGAIN_MS;
	}
}

static void
on_asked(struct fdm_found *found, const struct fdm_look *look)
{
	struct fdm_found_one *one =
		g_hash_table_lookup(found->ones, look->resource);

	if (!one) {
		return;
	}
	one->is_asked = false;
	if (look->code == 0) {
		one->is_told = false;
		if (look->kind == FDM_LOOK_LIST) {
			fdm_log(FDM_LOG_LISTED, look->resource);
		} else {
			fdm_log(FDM_LOG_CLEARED, look->resource);
		}
	} else if (look->code < 0) {
		one->try_ms = ha_clock_now_ms() + FDM_LIST_RETRY_MS;
		if (one->is_told) {
			return;
		}
		one->is_told = true;
		if (look->kind == FDM_LOOK_LIST) {
			fdm_log(FDM_LOG_LIST_FAILED, look->resource,
				look->err.text);
		} else {
			fdm_log(FDM_LOG_CLEAR_FAILED, look->resource,
				look->err.text);
		}
	}
}

static void
on_look(void *data, struct fdm_look *look)
{
	struct fdm_found *found = data;

	switch (look->kind) {
	case FDM_LOOK_PROCESSES:
		on_processes(found, look);
		break;
	case FDM_LOOK_IDENTITY:
		on_identity(found, look);
		break;
	case FDM_LOOK_LIST:
	case FDM_LOOK_CLEAR:
		on_asked(found, look);
		break;
	case FDM_LOOK_USE:
		fdm_use_looked(found->fdm, look);
		break;
	}
}

/* ---- life ----------------------------------------------------------------- */

void
fdm_found_tick(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_found *found = fdm->found;

	fdm_found_tell(fdm, now_ms);
	fdm_use_tick(fdm, now_ms);
	fdm_use_judge_tick(fdm, now_ms);
	if (found->is_looking && now_ms >= found->begun_ms + FDM_LOOK_LATE_MS) {
		say_why(found, "one of them does not answer who "
			       "looks at it");
	}
	if (found->is_looking || now_ms < found->next_ms ||
	    !fdm_has_facts(fdm) || !fdm_has_snap(fdm, now_ms)) {
		return;
	}
	found->is_looking = true;
	found->begun_ms = now_ms;
	found->next_ms = now_ms + FDM_LOOK_MS;
	fdm_looker_push(found->looker, look_new(FDM_LOOK_PROCESSES, ""));
}

struct fdm_found *
fdm_found_new(struct fdm *fdm, struct ha_err *err)
{
	struct fdm_found *found = g_new0(struct fdm_found, 1);

	found->fdm = fdm;
	found->looker = fdm_looker_new(fdm->context, on_look, found, err);
	if (!found->looker) {
		g_free(found);
		return NULL;
	}
	found->ones =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	found->identities =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return found;
}
