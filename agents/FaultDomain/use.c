/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See use.h. A figure needs two looks. What is told changes only when the use
 * has changed noticeably: each write makes Pacemaker plan anew. A look that
 * hangs or fails leaves what was told: the VMs go on using it.
 */
#include "FaultDomain/use.h"

#include <unistd.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/found.h"

/* What its node offers, overheads taken off or set by hand: that is what counts
 * against failures. */
static struct ha_use
capacity_of(const struct fdm *fdm)
{
	return (struct ha_use){
		fdm_capacity_shown(fdm->facts, fdm->snap->self,
				   HA_CAPACITY_CPU),
		fdm_capacity_shown(fdm->facts, fdm->snap->self,
				   HA_CAPACITY_MEMORY),
	};
}

static struct ha_use_machine
machine_of(const struct fdm *fdm, const struct ha_use *capacity)
{
	const struct ha_hostcap *has = &fdm->capacity.has;
	long ticks = sysconf(_SC_CLK_TCK);

	return (struct ha_use_machine){
		/* A kernel that tells no frequency: by hand, as capacity is. */
		.cpu_mhz = has->cpu_mhz > 0 ? has->cpu_mhz : capacity->cpu_mhz,
		.cores = has->cores,
		.ticks_a_s = ticks > 0 ? (uint32_t)ticks : 0,
	};
}

/* As long as the last daemon's figure is near, it stands. */
static void
take(struct fdm *fdm, const struct ha_use *now, const struct ha_use *capacity)
{
	struct fdm_use *use = &fdm->use;

	if (!use->text[0] &&
	    ha_use_parse(fdm_attr_shown(fdm, HA_USE_ATTRIBUTE), &use->told)) {
		ha_use_print(&use->told, use->text);
	}
	if (!use->text[0] || ha_use_is_news(&use->told, now, capacity)) {
		use->told = *now;
		ha_use_print(now, use->text);
	}
}

static void
forget(struct fdm_use *use)
{
	g_clear_pointer(&use->before, g_free);
	use->before_ms = 0;
	use->look_ms = 0;
	use->text[0] = '\0';
}

void
fdm_use_looked(struct fdm *fdm, struct fdm_look *look)
{
	struct fdm_use *use = &fdm->use;
	const struct ha_use_look before = { use->before_ms, use->before,
					    use->n_before };
	const struct ha_use_look now = { look->at_ms, look->used,
					 look->n_used };
	struct ha_use_machine machine;
	struct ha_use capacity;
	struct ha_use measured;

	use->is_looking = false;
	/* One that fails is told of by the other looks (found.c). */
	if (look->code < 0 || !fdm_has_facts(fdm) || !fdm->snap ||
	    !fdm_use_is_wanted(fdm)) {
		return;
	}
	capacity = capacity_of(fdm);
	machine = machine_of(fdm, &capacity);
	if (before.at_ms != 0 &&
	    ha_use_measure(&before, &now, &machine, &measured)) {
		take(fdm, &measured, &capacity);
	}
	g_free(use->before);
	use->before = g_steal_pointer(&look->used);
	use->n_before = look->n_used;
	use->before_ms = look->at_ms;
}

static void
look(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_use *use = &fdm->use;
	struct fdm_look *one;

	if (use->is_looking || now_ms < use->look_ms ||
	    !fdm->capacity.is_read) {
		return;
	}
	one = g_new0(struct fdm_look, 1);
	one->kind = FDM_LOOK_USE;
	use->is_looking = true;
	use->look_ms = now_ms + (use->before_ms == 0 ? FDM_USE_FIRST_MS :
						       FDM_USE_LOOK_MS);
	fdm_looker_push(fdm->found->looker, one);
}

void
fdm_use_tick(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_use *use = &fdm->use;
	bool wanted;

	if (!fdm_has_facts(fdm) || !fdm_has_snap(fdm, now_ms)) {
		return;
	}
	wanted = fdm_use_is_wanted(fdm);
	if (wanted) {
		look(fdm, now_ms);
	} else if (use->look_ms != 0) {
		forget(use);
	}
	/* Nothing to say yet; never without quorum (SAFETY 20). */
	if ((wanted && !use->text[0]) || !fdm->facts->have_quorum ||
	    !fdm->snap->is_quorate) {
		return;
	}
	(void)fdm_attr_follow(
		fdm, &use->attr, fdm->snap->self, HA_USE_ATTRIBUTE,
		fdm_attr_shown(fdm, HA_USE_ATTRIBUTE), use->text, now_ms);
}

void
fdm_use_end(struct fdm *fdm)
{
	if (fdm_has_facts(fdm) && fdm->facts->have_quorum && fdm->snap &&
	    fdm_attr_shown(fdm, HA_USE_ATTRIBUTE)[0]) {
		fdm_attr_set(fdm, fdm->snap->self, HA_USE_ATTRIBUTE, "");
	}
}
