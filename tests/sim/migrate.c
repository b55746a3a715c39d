/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live migration (SAFETY 13): the target holds the place before its port
 * opens, the source says outgoing, the guest is handed over and only later
 * let run; a cut in between leaves it paused on one side or arrived on the
 * other, and nobody knows which until the other can be asked.
 */
#include "sim.h"

#define MOVE_BEATS 4
#define GAP_MS_MAX 400
#define JOB_ANSWER 1u /* the daemon's answer, not a job's turn */

static struct vm_here *
here(struct world *w, uint32_t host, uint32_t vm)
{
	return &w->host[host].l.vm[vm];
}

static bool
is_linked(const struct world *w, uint32_t a, uint32_t b)
{
	return a < w->hosts && b < w->hosts && w->host[a].is_on &&
	       w->host[b].is_on &&
	       w->host[a].component == w->host[b].component &&
	       w->host[a].paused_until_us <= w->now_us &&
	       w->host[b].paused_until_us <= w->now_us;
}

static uint64_t
patience_ms(const struct world *w)
{
	return w->silence_ms + 5 * (uint64_t)w->timing.beat_ms;
}

static void
wait_answer(struct world *w, uint32_t host, uint32_t vm, enum stage stage)
{
	struct vm_here *v = here(w, host, vm);
	uint64_t wait_us =
		(patience_ms(w) + 2 * (uint64_t)w->timing.beat_ms) * US_PER_MS;

	w->host[host].d.l.announce[vm].agent = v->agent;
	v->stage = (uint8_t)stage;
	v->deadline_us = w->now_us + wait_us;
	agent_later(w, host, vm, wait_us + 1);
}

static void
wait_peer(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	uint64_t wait_us = 2 * patience_ms(w) * US_PER_MS;

	v->stage = STAGE_MOVING;
	v->deadline_us = w->now_us + wait_us;
	agent_later(w, host, vm, wait_us + 1);
}

static void
open_port(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	struct vm_here *source = here(w, v->peer, vm);

	v->qemu = QEMU_INCOMING;
	wait_peer(w, host, vm);
	if (is_linked(w, host, v->peer) && source->task == TASK_MIGRATE &&
	    source->stage == STAGE_MOVING && source->peer == host) {
		source->move = v->move = ++w->l.agents;
		lock_push(w, EV_MOVE, v->peer, vm, source->move,
			  draw_below(w, MOVE_BEATS * w->timing.beat_ms *
						US_PER_MS));
	}
}

void
migrate_begin(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	enum ha_listed_state wanted = v->task == TASK_MIGRATE ?
					      HA_LISTED_OUTGOING :
					      HA_LISTED_INCOMING;

	/* What is left here from before is for a stop to end. */
	if (v->qemu != (v->task == TASK_MIGRATE ? QEMU_RUNNING : QEMU_NONE)) {
		agent_end(w, host, vm, RECORD_FAILED);
		return;
	}
	if (wanted == HA_LISTED_INCOMING && world_is_off(w, RULE_INCOMING)) {
		open_port(w, host, vm);
	} else if (announce_put(w, host, vm, ENTRY(wanted), patience_ms(w))) {
		wait_answer(w, host, vm, STAGE_ANNOUNCED);
	} else {
		agent_end(w, host, vm,
			  v->qemu == QEMU_RUNNING ? RECORD_STARTED :
						    RECORD_FAILED);
	}
}

/* The target asks its libvirt for the VM only when its place is held. */
static void
source_ready(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	uint32_t target = v->peer;

	wait_peer(w, host, vm);
	if (is_linked(w, host, target) &&
	    here(w, target, vm)->task == TASK_NONE &&
	    w->host[target].d.phase == PHASE_ARMED) {
		agent_begin(w, target, vm, TASK_INCOMING, host);
	} else {
		v->deadline_us = w->now_us;
	}
}

/* Where is the guest? Here: it stays. Left: only the stop may find out. */
static void
source_fails(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	v->move = 0;
	if (v->qemu == QEMU_RUNNING &&
	    announce_put(w, host, vm, ENTRY(HA_LISTED_RUNNING),
			 patience_ms(w))) {
		wait_answer(w, host, vm, STAGE_RUNNING);
	} else {
		agent_end(w, host, vm,
			  v->qemu == QEMU_RUNNING ? RECORD_STARTED :
						    RECORD_FAILED);
	}
}

static void
target_fails(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	v->move = 0;
	if (v->qemu == QEMU_INCOMING) {
		v->qemu = QEMU_NONE;
	}
	v->task = TASK_STOP;
	v->stage = STAGE_KILLING;
	agent_later(w, host, vm, 1);
}

/* The guest's state is across; who lets it run is not settled at once. */
static void
hand_over(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	struct vm_here *target = here(w, v->peer, vm);

	if (!is_linked(w, host, v->peer) || target->qemu != QEMU_INCOMING ||
	    target->move != v->move || v->qemu != QEMU_RUNNING) {
		source_fails(w, host, vm);
		return;
	}
	v->qemu = QEMU_LEFT;
	STORY(w, host, "vm%u: handed over to h%u", vm, v->peer);
	lock_push(w, EV_MOVE, v->peer, vm, target->move,
		  draw_below(w, GAP_MS_MAX * US_PER_MS));
}

static void
arrive(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	struct vm_here *source = here(w, v->peer, vm);
	bool is_across = is_linked(w, host, v->peer) || draw_percent(w, 50);

	if (v->qemu != QEMU_INCOMING || !is_across) {
		target_fails(w, host, vm);
		return;
	}
	v->move = 0;
	v->qemu = QEMU_RUNNING;
	w->l.moves++;
	STORY(w, host, "vm%u: runs here now", vm);
	check_vm(w, vm);
	if (is_linked(w, host, v->peer) && source->task == TASK_MIGRATE) {
		source->move = 0;
		qemu_end(w, v->peer, vm, "moved");
		source->task = TASK_STOP;
		source->stage = STAGE_KILLING;
		agent_later(w, v->peer, vm, draw_below(w, 100000) + 1);
	}
	if (announce_put(w, host, vm, ENTRY(HA_LISTED_RUNNING),
			 patience_ms(w))) {
		wait_answer(w, host, vm, STAGE_RUNNING);
	} else {
		agent_end(w, host, vm, RECORD_STARTED);
	}
}

/* A job's turn, the daemon's answer (JOB_ANSWER), or the end of patience. */
void
migrate_go_on(struct world *w, uint32_t host, uint32_t vm, uint32_t job)
{
	struct vm_here *v = here(w, host, vm);
	bool is_source = v->task == TASK_MIGRATE;

	if (v->task != TASK_MIGRATE && v->task != TASK_INCOMING) {
		/* Its agent is gone; the job in libvirt is not. */
		if (job > JOB_ANSWER && job == v->move &&
		    v->qemu == QEMU_INCOMING) {
			arrive(w, host, vm);
		}
		return;
	}
	if (job > JOB_ANSWER) {
		if (job == v->move) {
			(is_source ? hand_over : arrive)(w, host, vm);
		}
	} else if (job == JOB_ANSWER && v->stage == STAGE_ANNOUNCED) {
		(is_source ? source_ready : open_port)(w, host, vm);
	} else if (is_source) {
		source_fails(w, host, vm);
	} else {
		target_fails(w, host, vm);
	}
}

/* The source's QEMU is gone: what waits for its guest sees the end of it. */
void
migrate_end_of(struct world *w, uint32_t host, uint32_t vm)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		struct vm_here *v = here(w, i, vm);

		if (i != host && v->qemu == QEMU_INCOMING && v->peer == host &&
		    here(w, host, vm)->move == v->move && v->move &&
		    here(w, host, vm)->qemu != QEMU_LEFT &&
		    v->task == TASK_INCOMING && v->stage == STAGE_MOVING) {
			v->deadline_us = w->now_us;
			agent_later(w, i, vm, 1000);
		}
	}
}

/* May a stop end what is here and say "stopped"? A guest that was handed over
 * may run at the other end: that is asked, and ended there too. */
bool
migrate_is_clear(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	struct vm_here *other;

	if (v->qemu != QEMU_LEFT || !v->move) {
		return true;
	}
	other = here(w, v->peer, vm);
	if (!is_linked(w, host, v->peer)) {
		return false;
	}
	if (other->move == v->move) {
		other->move = 0;
		qemu_end(w, v->peer, vm, "its source is stopped");
	}
	v->move = 0;
	return true;
}
