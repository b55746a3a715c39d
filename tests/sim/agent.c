/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One action of the VM agent on one host, as steps with room for anything
 * between them: start (entry flushed, lists read, create paused, let it run,
 * "running"), stop (kill, proven gone, off the list), the clearing of a stale
 * entry. A create request lives on in libvirt when its agent dies; it gives a
 * paused QEMU whose guest nobody lets run, and exits when it was revoked.
 */
#include "sim.h"

#define KILL_MS_MAX 300
#define CREATE_MS_MAX 200
#define FAIL_PERCENT 8
#define HANG_PERCENT 6

static struct vm_here *
here(struct world *w, uint32_t host, uint32_t vm)
{
	return &w->host[host].l.vm[vm];
}

static uint64_t
patience_ms(const struct world *w)
{
	return w->silence_ms + 5 * (uint64_t)w->timing.beat_ms;
}

void
agent_later(struct world *w, uint32_t host, uint32_t vm, uint64_t delay_us)
{
	lock_push(w, EV_AGENT, host, vm, here(w, host, vm)->agent, delay_us);
}

void
agent_end(struct world *w, uint32_t host, uint32_t vm, enum record record)
{
	struct vm_here *v = here(w, host, vm);

	STORY(w, host, "vm%u: task %u ends, record %u", vm, v->task, record);
	if (v->task == TASK_START && record == RECORD_FAILED &&
	    v->failure != FAILURE_REFUSED) {
		v->failure = FAILURE_START;
		note_failed(w, vm);
	}
	v->task = TASK_NONE;
	v->agent = ++w->l.agents;
	v->record = (uint8_t)record;
	check_vm(w, vm);
	pcmk_report(w, host, vm);
}

void
agent_die(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	if (v->task == TASK_NONE) {
		return;
	}
	STORY(w, host, "vm%u: agent killed in task %u, stage %u", vm, v->task,
	      v->stage);
	/* Its client has gone: a wish that was not granted is taken back. */
	if (v->stage == STAGE_ANNOUNCED && w->host[host].d.phase &&
	    w->host[host].d.l.announce[vm].agent == v->agent) {
		w->host[host].d.l.announce[vm].give_up_ms = 0;
	}
	agent_end(w, host, vm,
		  v->task == TASK_STOP ? RECORD_STOP_FAILED : RECORD_FAILED);
}

void
qemu_end(struct world *w, uint32_t host, uint32_t vm, const char *why)
{
	struct vm_here *v = here(w, host, vm);

	if (v->qemu != QEMU_NONE) {
		STORY(w, host, "vm%u: QEMU ends: %s", vm, why);
		if (v->qemu == QEMU_RUNNING) {
			note_ends(w, vm, !w->host[host].is_on);
		}
		v->qemu = QEMU_NONE;
		migrate_end_of(w, host, vm);
	}
}

/* libvirt carries a request out, late or not. */
void
qemu_create(struct world *w, uint32_t host, uint32_t vm, uint32_t request)
{
	struct vm_here *v = here(w, host, vm);

	if (v->request != request || v->qemu != QEMU_NONE) {
		return; /* revoked */
	}
	v->request = 0;
	v->qemu = QEMU_PAUSED;
	STORY(w, host, "vm%u: QEMU is there, paused", vm);
	if (v->task == TASK_START && v->stage == STAGE_CREATING) {
		agent_later(w, host, vm, draw_between(w, 1000, 50000));
	}
}

static bool
announce(struct world *w, uint32_t host, uint32_t vm,
	 enum ha_listed_state state)
{
	struct vm_here *v = here(w, host, vm);

	if (!announce_put(w, host, vm, ENTRY(state), patience_ms(w))) {
		return false;
	}
	w->host[host].d.l.announce[vm].agent = v->agent;
	return true;
}

/* An agent whose daemon dies gets no answer: its own patience ends. */
static void
wait_for_daemon(struct world *w, uint32_t host, uint32_t vm, enum stage stage)
{
	struct vm_here *v = here(w, host, vm);
	uint64_t wait_us =
		(patience_ms(w) + 2 * (uint64_t)w->timing.beat_ms) * US_PER_MS;

	v->stage = (uint8_t)stage;
	v->deadline_us = w->now_us + wait_us;
	agent_later(w, host, vm, wait_us + 1);
}

static void
withdraw(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	if (!announce_withdraw(w, host, vm, patience_ms(w))) {
		agent_end(w, host, vm,
			  v->task == TASK_STOP ? RECORD_STOP_FAILED :
						 RECORD_FAILED);
		return;
	}
	w->host[host].d.l.announce[vm].agent = v->agent;
	wait_for_daemon(w, host, vm, STAGE_WITHDRAWN);
}

static void
create(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	uint64_t b_us = w->timing.beat_ms * US_PER_MS;
	uint64_t took = w->l.is_slow ? draw_between(w, 4 * b_us, 8 * b_us) :
			draw_percent(w, HANG_PERCENT) ?
				       draw_between(w, b_us, 20 * b_us) :
			draw_percent(w, 30) ?
				       draw_below(w, 3 * b_us) :
				       draw_below(w, CREATE_MS_MAX * US_PER_MS);

	v->stage = STAGE_CREATING;
	v->request = ++w->l.agents;
	v->is_failing = draw_percent(w, FAIL_PERCENT) && !w->is_quiet;
	if (w->l.restarts.is_on) {
		v->is_failing = w->l.restarts.bad[vm] != 0;
		w->l.restarts.bad[vm] = (uint8_t)(w->l.restarts.bad[vm] -
						  (v->is_failing &&
						   w->l.restarts.bad[vm] !=
							   RESTART_BAD_ALWAYS));
	}
	v->deadline_us = w->now_us + 8 * b_us;
	STORY(w, host, "vm%u: libvirt is asked to create it", vm);
	lock_push(w, EV_QEMU, host, vm, v->request, took);
	agent_later(w, host, vm, 8 * b_us + 1);
	check_vm(w, vm);
}

/* SAFETY "How a start can't come late": revoked, then looked, then killed. */
static void
give_up_start(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	v->request = 0;
	qemu_end(w, host, vm, "its start is given up");
	withdraw(w, host, vm);
}

static void
let_run(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	if (v->qemu == QEMU_PAUSED && !v->is_failing) {
		v->qemu = QEMU_RUNNING;
		w->l.starts++;
		STORY(w, host, "vm%u: runs", vm);
		note_runs(w, host, vm);
		check_vm(w, vm);
		if (announce(w, host, vm, HA_LISTED_RUNNING)) {
			wait_for_daemon(w, host, vm, STAGE_RUNNING);
		} else {
			agent_end(w, host, vm, RECORD_STARTED);
		}
	} else if (v->qemu == QEMU_PAUSED || w->now_us >= v->deadline_us) {
		give_up_start(w, host, vm);
	}
}

static void
begin_start(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	if (v->qemu == QEMU_RUNNING) {
		agent_end(w, host, vm, RECORD_STARTED);
		return;
	}
	/* What an earlier start left behind is revoked and killed first. */
	v->request = 0;
	qemu_end(w, host, vm, "left over from an earlier start");
	if (world_is_off(w, RULE_LIST_FIRST)) {
		create(w, host, vm);
	} else if (announce(w, host, vm, HA_LISTED_STARTING)) {
		wait_for_daemon(w, host, vm, STAGE_ANNOUNCED);
	} else {
		v->failure = FAILURE_REFUSED;
		agent_end(w, host, vm, RECORD_FAILED);
	}
}

static void
begin_stop(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);
	uint64_t wait_us = draw_below(w, KILL_MS_MAX * US_PER_MS);

	v->request = 0;
	if (v->is_shut_down) {
		wait_us += draw_below(w, 6 * w->timing.beat_ms * US_PER_MS);
	}
	v->is_shut_down = false;
	v->stage = STAGE_KILLING;
	agent_later(w, host, vm, v->qemu == QEMU_NONE ? 1 : wait_us);
}

static void
kill_it(struct world *w, uint32_t host, uint32_t vm)
{
	if (!migrate_is_clear(w, host, vm)) {
		agent_end(w, host, vm, RECORD_STOP_FAILED);
		return;
	}
	qemu_end(w, host, vm, "stopped");
	withdraw(w, host, vm);
}

void
agent_begin(struct world *w, uint32_t host, uint32_t vm, enum task task,
	    uint32_t peer)
{
	struct vm_here *v = here(w, host, vm);

	v->task = (uint8_t)task;
	v->stage = STAGE_BEGIN;
	v->peer = (uint8_t)peer;
	v->failure = FAILURE_OTHER;
	v->agent = ++w->l.agents;
	v->record = task == TASK_CLEAR ? v->record : RECORD_PENDING;
	STORY(w, host, "vm%u: task %u begins", vm, task);
	agent_later(w, host, vm, draw_between(w, 1000, 40000));
}

static void
begin(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = here(w, host, vm);

	switch ((enum task)v->task) {
	case TASK_NONE:
		break;
	case TASK_START:
		begin_start(w, host, vm);
		break;
	case TASK_STOP:
		begin_stop(w, host, vm);
		break;
	case TASK_CLEAR:
		if (v->qemu == QEMU_NONE && !v->request) {
			withdraw(w, host, vm);
		} else {
			agent_end(w, host, vm, (enum record)v->record);
		}
		break;
	case TASK_MIGRATE:
	case TASK_INCOMING:
		migrate_begin(w, host, vm);
		break;
	}
}

/* The agent's own time: what it waited for has not come, or it is its turn. */
void
agent_run(struct world *w, uint32_t host, uint32_t vm, uint32_t agent)
{
	struct vm_here *v = here(w, host, vm);

	if (v->agent != agent || v->task == TASK_NONE) {
		return;
	}
	switch ((enum stage)v->stage) {
	case STAGE_BEGIN:
		begin(w, host, vm);
		break;
	case STAGE_CREATING:
		let_run(w, host, vm);
		break;
	case STAGE_KILLING:
		kill_it(w, host, vm);
		break;
	case STAGE_ANNOUNCED:
	case STAGE_RUNNING:
	case STAGE_WITHDRAWN:
		if (w->now_us >= v->deadline_us) {
			agent_answer(w, host, vm, false);
		}
		break;
	case STAGE_MOVING:
		if (w->now_us >= v->deadline_us) {
			migrate_go_on(w, host, vm, 0);
		}
		break;
	}
}

/* The daemon's answer, or none. */
void
agent_answer(struct world *w, uint32_t host, uint32_t vm, bool is_ok)
{
	struct vm_here *v = here(w, host, vm);

	switch ((enum stage)v->stage) {
	case STAGE_ANNOUNCED:
		if (v->task == TASK_START && is_ok) {
			create(w, host, vm);
		} else if (v->task == TASK_START) {
			v->failure = FAILURE_REFUSED;
			agent_end(w, host, vm, RECORD_FAILED);
		} else if (v->task != TASK_NONE) {
			migrate_go_on(w, host, vm, is_ok ? 1 : 0);
		}
		break;
	case STAGE_RUNNING:
		if (v->task != TASK_NONE) {
			agent_end(w, host, vm,
				  v->qemu == QEMU_RUNNING ? RECORD_STARTED :
							    RECORD_FAILED);
		}
		break;
	case STAGE_WITHDRAWN:
		if (v->task == TASK_STOP) {
			agent_end(w, host, vm,
				  is_ok ? RECORD_STOPPED : RECORD_STOP_FAILED);
		} else if (v->task == TASK_CLEAR) {
			agent_end(w, host, vm, (enum record)v->record);
		} else if (v->task != TASK_NONE) {
			agent_end(w, host, vm, RECORD_FAILED);
		}
		break;
	case STAGE_BEGIN:
	case STAGE_CREATING:
	case STAGE_KILLING:
	case STAGE_MOVING:
		break;
	}
}
