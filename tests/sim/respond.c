/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The isolation responder of one host: declares the host isolated by
 * ha_isolation_judge(), and stops VMs where ha_response_judge() says so. A
 * response is the agent's own stop, whose withdraw on a sealed list says
 * released.
 */
#include "sim.h"

static bool
is_owner_alive(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint64_t late_ms = 2 * w->timing.beat_ms + w->timing.tolerance_ms;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct claims *c = &d->newest[i].claims;
		const struct ha_sighting *newest =
			ha_watch_newest(&d->watch[i], NULL);

		if (i != host && newest && c->is_quorate && c->is_master &&
		    !c->is_isolated &&
		    world_local_ms(w, host) <= newest->first_ms + late_ms) {
			return true;
		}
	}
	return false;
}

static void
look_around(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct daemon *d = &h->d;
	uint64_t now_ms = world_local_ms(w, host);
	struct ha_isolation_facts f = {
		.is_quorate = d->ring.has_membership && d->ring.is_quorate,
		.hears_agents = (d->members & ~(1u << host)) != 0,
		.addresses = 1,
		.now_ms = now_ms,
	};

	if (!ha_isolation_wants_ping(&d->l.isolation)) {
		d->l.asked_ms = 0;
	} else if (!d->l.asked_ms) {
		d->l.asked_ms = now_ms;
	}
	if (d->l.asked_ms && w->l.address == h->component) {
		d->l.answered_ms = now_ms;
	}
	f.asked_ms = d->l.asked_ms;
	f.answered_ms = d->l.answered_ms;
	if (ha_isolation_judge(&d->l.isolation, &f, &w->l.policy)) {
		STORY(w, host, "isolation: %s",
		      ha_isolation_state_name(d->l.isolation.state));
		store_kick(w, host);
	}
}

static bool
can_read(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint64_t now_ms = world_local_ms(w, host);
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		read_ms[s] = d->store[s].read_submitted_ms;
	}
	return ha_watch_fresh(read_ms, w->stores,
			      now_ms > w->silence_ms ? now_ms - w->silence_ms :
						       0);
}

static void
respond(struct world *w, uint32_t host, uint32_t vm)
{
	struct daemon *d = &w->host[host].d;
	struct vm_here *v = &w->host[host].l.vm[vm];
	struct ha_response_facts f = {
		.isolation = &d->l.isolation,
		.vm_isolation = w->l.isolation[vm],
		.vm_partition = w->l.partition[vm],
		.isolation_response = HA_RESPONSE_NONE,
		.partition_response = HA_RESPONSE_NONE,
		.is_running = d->l.list[vm] != ENTRY_NONE &&
			      d->l.list[vm] != ENTRY(HA_LISTED_RELEASED),
		.can_read = can_read(w, host),
		.is_owner_alive = is_owner_alive(w, host),
		.shutdown_ms = v->shutdown_ms,
		.now_ms = world_local_ms(w, host),
	};
	struct ha_response_verdict verdict =
		ha_response_judge(&f, &w->l.policy);

	if (v->task != TASK_NONE) {
		return;
	}
	switch (verdict.step) {
	case HA_RESPONSE_STEP_LEAVE:
	case HA_RESPONSE_STEP_WAIT:
	case HA_RESPONSE_STEP_DEFER:
		break;
	case HA_RESPONSE_STEP_SHUTDOWN:
		v->shutdown_ms = f.now_ms;
		v->is_shut_down = true;
		agent_begin(w, host, vm, TASK_STOP, NO_HOST);
		break;
	case HA_RESPONSE_STEP_POWEROFF:
		STORY(w, host, "vm%u: isolation response", vm);
		agent_begin(w, host, vm, TASK_STOP, NO_HOST);
		break;
	}
}

/* Only with a rule off: no process yet is taken for proof. */
static void
release_early(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t vm;

	for (vm = 0; vm < w->l.vms && d->l.seal.is_sealed; vm++) {
		if (d->l.list[vm] == ENTRY(HA_LISTED_STARTING) &&
		    d->l.announce[vm].step == ANN_NONE &&
		    w->host[host].l.vm[vm].qemu == QEMU_NONE) {
			d->l.list[vm] = ENTRY(HA_LISTED_RELEASED);
			keep_changed(w, host);
		}
	}
}

void
respond_turn(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	uint32_t vm;

	if (h->d.phase != PHASE_ARMED) {
		return;
	}
	look_around(w, host);
	for (vm = 0; vm < w->l.vms; vm++) {
		respond(w, host, vm);
		if (h->d.l.isolation.state == HA_ISOLATION_CONNECTED) {
			h->l.vm[vm].shutdown_ms = 0;
		}
	}
	if (world_is_off(w, RULE_EARLY_RELEASE)) {
		release_early(w, host);
	}
}

/* Half a beat of the manager, of Pacemaker's monitors and of its DC. */
void
fdm_turn(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];

	lock_push(w, EV_FDM, host, 0, 0, w->timing.beat_ms * US_PER_MS / 2);
	pcmk_turn(w, host);
	if (h->l.pcmk.is_up && w->l.has_manager &&
	    h->d.phase >= PHASE_CLAIMING) {
		respond_turn(w, host);
		if (w->l.restarts.is_on) {
			restart_turn(w, host);
		}
		master_turn(w, host);
	}
	if (h->d.phase == PHASE_ARMED) {
		keep_collect(w, host);
	}
}
