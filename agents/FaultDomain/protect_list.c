/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list, through heartbeatd. Every vmha-fdmd reads it now and then,
 * to show it. A new master reads it before anything else follows from it, and
 * writes it, whole, whenever what it should say has changed; it is written
 * again when a reading shows another one. It must never be written unread: what
 * was powered off would be forgotten.
 */
#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

/* Entries of one request: below HA_IPC_PACKET, as long as names may be. */
#define PART_VMS 512u

/* ---- reading ------------------------------------------------------------- */

static void
set_why(struct fdm_protect *protect, const char *why)
{
	g_strlcpy(protect->why, why, sizeof(protect->why));
	if (why[0] && strcmp(protect->told, why) != 0) {
		fdm_log(FDM_LOG_PROTECT_FAILED, why);
		g_strlcpy(protect->told, why, sizeof(protect->told));
	} else if (!why[0]) {
		protect->told[0] = '\0';
	}
}

static json_int_t
number(const json_t *answer, const char *name)
{
	return json_integer_value(json_object_get(answer, name));
}

static json_t *
join(const GPtrArray *part)
{
	json_t *list = json_array();

	for (guint i = 0; i < part->len; i++) {
		(void)json_array_extend(list, g_ptr_array_index(part, i));
	}
	return list;
}

static guint
count_off(const json_t *list)
{
	const char *off = ha_protected_state_name(HA_PROTECTED_OFF);
	const json_t *vm;
	guint count = 0;
	size_t i;

	json_array_foreach(list, i, vm)
	{
		const char *state =
			json_string_value(json_object_get(vm, "state"));

		count += state && strcmp(state, off) == 0;
	}
	return count;
}

/* All of it is here. */
static void
take_all(struct fdm *fdm, uint64_t term, uint64_t generation)
{
	struct fdm_protect *protect = fdm->protect;
	json_t *list = join(protect->part);
	guint off = count_off(list);

	protect->read_ms = ha_clock_now_ms();
	if (protect->term != 0 && !protect->is_read) {
		protect->is_read = true;
		protect->must_write = true;
		fdm_log(FDM_LOG_PROTECT_READ,
			(unsigned int)json_array_size(list) - off, off,
			(unsigned long long)term);
	} else if (protect->term != 0 &&
		   (term != protect->disk.term ||
		    generation != protect->disk.generation)) {
		/* Areas that were made anew, or set back. */
		protect->must_write = true;
	}
	if (!protect->is_writing) {
		fdm_protect_take(protect, list, term, generation);
	}
	set_why(protect, "");
	json_decref(list);
	/* Rows know another list, or none: what they would have it say must
	 * never be written over this one. */
	fdm_waits_look(fdm, ha_clock_now_ms(), true);
}

static void ask(struct fdm *fdm, json_t *request);

static void
on_answer(void *data, int code, const json_t *answer, const char *why)
{
	struct fdm *fdm = data;
	struct fdm_protect *protect = fdm->protect;
	const json_t *next = json_object_get(answer, "next");

	protect->is_asking = false;
	/* What was read before this term began may be older than it. */
	if (protect->asked_term != protect->term) {
		protect->ask_ms = 0;
		return;
	}
	if (code == 0 && !json_is_true(json_object_get(answer, "complete"))) {
		code = -EIO;
		why = json_string_value(json_object_get(answer, "why"));
	}
	if (code < 0) {
		protect->ask_ms = ha_clock_now_ms() +
				  (protect->term != 0 ? FDM_RETRY_MS :
							FDM_PROTECT_LOOK_MS);
		set_why(protect, why ? why : "it was not told why");
		return;
	}
	g_ptr_array_add(protect->part,
			json_incref(json_object_get(answer, "vms")));
	if (next) {
		ask(fdm, json_pack("{s:s, s:I, s:I, s:I}", "op", "protected",
				   "from", json_integer_value(next), "term",
				   number(answer, "term"), "generation",
				   number(answer, "generation")));
		return;
	}
	take_all(fdm, (uint64_t)number(answer, "term"),
		 (uint64_t)number(answer, "generation"));
}

static void
ask(struct fdm *fdm, json_t *request)
{
	fdm->protect->is_asking = true;
	fdm->protect->asked_term = fdm->protect->term;
	fdm_worker_ask(fdm->worker, request, FDM_HB_ASK_MS, on_answer, fdm);
}

static void
read_list(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_protect *protect = fdm->protect;

	if (protect->is_asking || protect->is_writing ||
	    now_ms < protect->ask_ms) {
		return;
	}
	protect->ask_ms = now_ms + FDM_PROTECT_LOOK_MS;
	g_ptr_array_set_size(protect->part, 0);
	ask(fdm, json_pack("{s:s, s:i}", "op", "protected", "budget_ms",
			   (int)FDM_PROTECT_ASK_MS));
}

/* ---- writing ------------------------------------------------------------- */

/* Of each VM that has changed. */
static void
tell_changes(const struct fdm_protect *protect, const json_t *list)
{
	const char *off = ha_protected_state_name(HA_PROTECTED_OFF);
	const json_t *vm;
	size_t i;

	json_array_foreach(list, i, vm)
	{
		const char *name =
			json_string_value(json_object_get(vm, "resource"));
		const char *state =
			json_string_value(json_object_get(vm, "state"));
		const struct ha_protected_vm *old =
			g_hash_table_lookup(protect->disk.table, name);
		bool is_off = strcmp(state, off) == 0;

		if (old && (old->state == HA_PROTECTED_OFF) == is_off) {
			continue;
		}
		if (is_off) {
			fdm_log(FDM_LOG_UNPROTECTED, name);
		} else {
			fdm_log(FDM_LOG_PROTECTED, name);
		}
	}
}

static void
end_write(struct fdm_protect *protect, const char *why)
{
	g_clear_pointer(&protect->sent, json_decref);
	protect->is_writing = false;
	if (why) {
		protect->retry_ms = ha_clock_now_ms() + FDM_RETRY_MS;
		set_why(protect, why);
	}
}

static void send_part(struct fdm *fdm);

static void
on_written(void *data, int code, const json_t *answer, const char *why)
{
	struct fdm *fdm = data;
	struct fdm_protect *protect = fdm->protect;
	const json_t *next = json_object_get(answer, "next");

	/* Another term by now: it is read first. */
	if (protect->term == 0 || !protect->is_read) {
		end_write(protect, NULL);
		return;
	}
	if (code < 0) {
		end_write(protect, why);
		return;
	}
	if (next) {
		protect->sent_from = (size_t)json_integer_value(next);
		send_part(fdm);
		return;
	}
	tell_changes(protect, protect->sent);
	fdm_protect_take(protect, protect->sent, protect->term,
			 (uint64_t)number(answer, "generation"));
	protect->must_write = false;
	end_write(protect, NULL);
	set_why(protect, "");
	fdm_waits_look(fdm, ha_clock_now_ms(), true);
}

static void
send_part(struct fdm *fdm)
{
	struct fdm_protect *protect = fdm->protect;
	size_t total = json_array_size(protect->sent);
	json_t *part = json_array();

	for (size_t i = protect->sent_from;
	     i < total && i < protect->sent_from + PART_VMS; i++) {
		(void)json_array_append(part, json_array_get(protect->sent, i));
	}
	fdm_worker_ask(fdm->worker,
		       json_pack("{s:s, s:I, s:I, s:I, s:o, s:I, s:i}", "op",
				 "protect", "term", (json_int_t)protect->term,
				 "total", (json_int_t)total, "from",
				 (json_int_t)protect->sent_from, "vms", part,
				 "ring_seq", (json_int_t)fdm->snap->ring_seq,
				 "budget_ms", (int)FDM_PROTECT_ASK_MS),
		       FDM_HB_ASK_MS, on_written, fdm);
}

static void
write_list(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_protect *protect = fdm->protect;

	if (!protect->is_read || protect->is_writing ||
	    now_ms < protect->retry_ms || !fdm->rows ||
	    !fdm_master_may_write(fdm, now_ms)) {
		return;
	}
	if (!protect->must_write &&
	    fdm_protect_is_same(protect, fdm->rows, fdm->restart->priorities,
				fdm->facts)) {
		return;
	}
	protect->sent = fdm_protect_wanted(fdm->rows, fdm->restart->priorities,
					   fdm->facts);
	protect->sent_from = 0;
	protect->is_writing = true;
	send_part(fdm);
}

/* ---- the term ------------------------------------------------------------ */

static void
follow_term(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_protect *protect = fdm->protect;

	if (protect->term != fdm->master.term) {
		protect->term = fdm->master.term;
		protect->since_ms = now_ms;
		protect->is_read = false;
		protect->is_doubted = false;
		protect->must_write = false;
		protect->ask_ms = 0;
		protect->retry_ms = 0;
		fdm_protect_take(protect, NULL, 0, 0);
		protect->read_ms = 0;
		/* No row that was judged before must be written now. */
		fdm_waits_look(fdm, now_ms, true);
	}
	if (protect->term != 0 && !protect->is_read && !protect->is_doubted &&
	    now_ms >= protect->since_ms + FDM_PROTECT_READ_MS) {
		protect->is_doubted = true;
		fdm_log(FDM_LOG_PROTECT_UNREAD);
	}
}

void
fdm_protect_tick(struct fdm *fdm, uint64_t now_ms)
{
	follow_term(fdm, now_ms);
	if (!fdm_has_snap(fdm, now_ms) || !fdm->snap->can_read) {
		return;
	}
	read_list(fdm, now_ms);
	if (fdm->protect->term != 0) {
		write_list(fdm, now_ms);
	}
}

/* ---- by its user's word -------------------------------------------------- */

static void
on_called(void *data, int code, const char *why)
{
	(void)data;
	if (code < 0) {
		fdm_log(FDM_LOG_CIB_FAILED, why);
	}
}

/* It is kept down by what has been, and its user's word ends that. */
static bool
is_kept_down(const struct fdm_ticket *ticket)
{
	static const enum ha_restart_why FAILED[] = { HA_RESTART_WAITS_RETRY,
						      HA_RESTART_GIVEN_UP,
						      HA_RESTART_IS_DISABLED };

	if (!ticket->is_there || ticket->is_granted) {
		return false;
	}
	if (strcmp(ticket->state, FDM_STATE_WAITING) == 0) {
		for (size_t i = 0; i < G_N_ELEMENTS(FAILED); i++) {
			if (strcmp(ticket->reason,
				   ha_restart_why_name(FAILED[i])) == 0) {
				return true;
			}
		}
	}
	return strcmp(ticket->state, FDM_STATE_OFF) == 0;
}

/* The master grants it, in its turn; without one, nobody else would. */
json_t *
fdm_op_power_on(struct fdm *fdm, uint32_t client, const json_t *request)
{
	const char *resource =
		json_string_value(json_object_get(request, "resource"));
	const struct fdm_vm *vm;
	struct fdm_row row = {
		.verdict = { .is_granted = true, .why = HA_TICKET_FREE },
	};
	GString *xml;

	(void)client;
	if (!resource) {
		return fdm_failed(-EINVAL, "the request names no resource");
	}
	if (!fdm_has_facts(fdm) || !fdm->facts->have_quorum) {
		return fdm_failed(-EAGAIN, "no CIB here, or no quorum: no "
					   "ticket is written");
	}
	vm = fdm_facts_vm(fdm->facts, resource);
	if (!vm || !vm->is_gated) {
		return fdm_failed(-ENOENT,
				  "%s is no gated resource of "
				  "ocf:vmha:VirtualMachine",
				  resource);
	}
	if (!is_kept_down(&vm->ticket)) {
		return ha_ipc_ok(); /* nothing keeps it off */
	}
	row.vm = vm;
	xml = fdm_tickets_begin();
	if (fdm->snap && fdm_snap_master(fdm->snap)) {
		g_string_append_printf(xml,
				       "<ticket_state id=\"" FDM_TICKET_PREFIX
				       "%s\" vmha-reason=\"" FDM_REASON_CALLED
				       "\"/>",
				       vm->resource);
	} else {
		fdm_tickets_add(xml, &row, vm->ticket.term);
	}
	fdm_tickets_end(xml);
	fdm_log(FDM_LOG_POWER_ON, resource);
	ha_cib_update(fdm->cib, xml->str, on_called, NULL);
	(void)g_string_free(xml, TRUE);
	return ha_ipc_ok();
}
