/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * on_guest_shutdown=stop: a guest that shuts itself down counts as powered off
 * by its user. QEMU tells of it once, and libvirt ends QEMU at once, so this
 * daemon listens to each such VM of its host, on a monitor socket made for
 * that, and then sets target-role=Stopped before Pacemaker misses it.
 *
 * Only the guest's own power off counts (QEMU's cause guest-shutdown). Not one
 * that a stop has asked for: its mark is made before the guest is asked, and
 * goes only with the record. Not a reboot that libvirt makes of a power off.
 * Whatever is not known counts as nothing: the VM is then restarted. It must
 * never write without quorum, nor for a VM that somebody has started again.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <glib-unix.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"
#include "ha/proc.h"
#include "ha/qmp.h"
#include "ha/vmfiles.h"

#define CAUSE_OF_GUEST "guest-shutdown"
#define WORD_OFF "shutdown" /* QEMU's run state after it */

/* One QEMU of this host. */
struct guest {
	struct fdm *fdm;
	char *resource;
	struct ha_proc_id id;
	struct ha_qmp qmp;
	GSource *source; /* NULL: nobody at the other end any more */
	bool is_off;
	uint64_t off_ms;
	uint64_t off_s; /* since 1970 */
	bool is_writing;
	uint64_t retry_ms;
	bool is_wait_told;
};

struct fdm_guests {
	GHashTable *by_resource; /* of struct guest */
	GHashTable *deaf;        /* resource -> pid that it was said of */
	uint64_t look_ms;
	uint64_t clear_ms;
};

static void
hang_up(struct guest *guest)
{
	if (guest->source) {
		g_source_destroy(guest->source);
		g_source_unref(guest->source);
		guest->source = NULL;
	}
	ha_qmp_close(&guest->qmp);
}

static void
guest_free(gpointer data)
{
	struct guest *guest = data;

	hang_up(guest);
	g_free(guest->resource);
	g_free(guest);
}

/* The record that the agent keeps, if it still is of this QEMU. */
static bool
is_recorded(const struct guest *guest)
{
	struct ha_vm_record record;

	return ha_vmfiles_load(guest->resource, &record, NULL) == 0 &&
	       record.phase == HA_VM_PHASE_RUNNING &&
	       record.pid == guest->id.pid &&
	       record.start_ticks == guest->id.start_ticks;
}

static void
note_off(struct guest *guest)
{
	if (guest->is_off) {
		return;
	}
	if (!is_recorded(guest) || ha_vmfiles_is_stop_marked(guest->resource)) {
		fdm_log(FDM_LOG_GUEST_ASKED, guest->resource);
		return;
	}
	guest->is_off = true;
	guest->off_ms = ha_clock_now_ms();
	guest->off_s = (uint64_t)time(NULL);
}

/* libvirt's reboot by a power off: reset, and on it goes. */
static void
note_on(struct guest *guest)
{
	if (!guest->is_writing) {
		guest->is_off = false;
	}
}

static void
take_message(struct guest *guest, const struct ha_qmp_message *m)
{
	switch (m->kind) {
	case HA_QMP_EVENT:
		if (strcmp(m->text, "SHUTDOWN") == 0 && m->by_guest &&
		    strcmp(m->reason, CAUSE_OF_GUEST) == 0) {
			note_off(guest);
		} else if (strcmp(m->text, "RESET") == 0 ||
			   strcmp(m->text, "RESUME") == 0) {
			note_on(guest);
		}
		break;
	case HA_QMP_RETURN:
		/* It was so before this daemon began to listen: libvirtd is
		 * away, or it would have ended QEMU. */
		if (strcmp(m->status, WORD_OFF) == 0) {
			note_off(guest);
		}
		break;
	case HA_QMP_GREETING:
	case HA_QMP_ERROR:
		break;
	}
}

static gboolean
on_message(gint fd, GIOCondition condition, gpointer data)
{
	struct guest *guest = data;
	struct ha_qmp_message m;
	int rc;

	(void)fd;
	(void)condition;
	while ((rc = ha_qmp_poll(&guest->qmp, &m)) > 0) {
		take_message(guest, &m);
	}
	if (rc == 0) {
		return G_SOURCE_CONTINUE;
	}
	hang_up(guest);
	fdm_guests_tick(guest->fdm, ha_clock_now_ms());
	return G_SOURCE_REMOVE;
}

/* ---- listening ------------------------------------------------------------ */

/* Once for each QEMU. */
static void
tell_deaf(struct fdm_guests *guests, const char *resource,
	  const struct ha_proc_id *id)
{
	gpointer told = g_hash_table_lookup(guests->deaf, resource);

	if (GPOINTER_TO_INT(told) != (int)id->pid &&
	    ha_proc_is_alive(id) == 1) {
		g_hash_table_insert(guests->deaf, g_strdup(resource),
				    GINT_TO_POINTER((int)id->pid));
		fdm_log(FDM_LOG_GUEST_DEAF, resource);
	}
}

static void
listen_to(struct fdm *fdm, const char *resource)
{
	struct fdm_guests *guests = fdm->guests;
	char path[HA_VM_QMP_PATH];
	struct ha_vm_record record;
	struct guest *guest;
	int rc;

	if (ha_vmfiles_load(resource, &record, NULL) < 0 ||
	    record.phase != HA_VM_PHASE_RUNNING || record.pid == 0 ||
	    !ha_vm_qmp_path_is_ours(record.qmp_path)) {
		return;
	}
	ha_vm_events_path(record.qmp_path, path);
	guest = g_new0(struct guest, 1);
	guest->fdm = fdm;
	guest->resource = g_strdup(resource);
	guest->id = (struct ha_proc_id){
		.pid = (pid_t)record.pid,
		.start_ticks = record.start_ticks,
	};
	rc = ha_qmp_watch(&guest->qmp, path, guest->id.pid, NULL);
	if (rc < 0) {
		if (rc == -ENOENT) {
			tell_deaf(guests, resource, &guest->id);
		}
		guest_free(guest);
		return;
	}
	guest->source = g_unix_fd_source_new(guest->qmp.fd,
					     G_IO_IN | G_IO_HUP | G_IO_ERR);
	g_source_set_callback(guest->source, G_SOURCE_FUNC(on_message), guest,
			      NULL);
	(void)g_source_attach(guest->source, fdm->context);
	g_hash_table_replace(guests->by_resource, guest->resource, guest);
}

static void
listen_to_all(struct fdm *fdm, uint64_t now_ms)
{
	if (now_ms < fdm->guests->look_ms) {
		return;
	}
	fdm->guests->look_ms = now_ms + FDM_GUEST_LOOK_MS;
	for (guint i = 0; i < fdm->facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(fdm->facts->vms, struct fdm_vm, i);

		if (vm->stops_with_guest &&
		    !g_hash_table_contains(fdm->guests->by_resource,
					   vm->resource)) {
			listen_to(fdm, vm->resource);
		}
	}
}

/* ---- a guest that is off ---------------------------------------------------- */

struct write {
	struct fdm *fdm;
	char *resource;
};

static void
on_written(void *data, int code, const char *why)
{
	struct write *write = data;
	struct fdm_guests *guests = write->fdm->guests;
	struct guest *guest =
		g_hash_table_lookup(guests->by_resource, write->resource);

	if (code < 0) {
		fdm_log(FDM_LOG_GUEST_OFF_FAILED, write->resource, why);
	}
	if (guest && guest->is_writing) {
		guest->is_writing = false;
		guest->retry_ms = ha_clock_now_ms() + FDM_RETRY_MS;
		guest->is_off = code < 0;
	}
	g_free(write->resource);
	g_free(write);
}

static bool
has_quorum(const struct fdm *fdm, uint64_t now_ms)
{
	return fdm->facts->have_quorum &&
	       (!fdm_has_snap(fdm, now_ms) || fdm->snap->is_quorate);
}

static void
write_off(struct guest *guest)
{
	struct fdm *fdm = guest->fdm;
	const char *host = fdm->snap && fdm->snap->self[0] ? fdm->snap->self :
							     g_get_host_name();
	char *xml = fdm_guest_off_xml(fdm->facts, guest->resource, host,
				      guest->off_s);
	struct write *write;

	if (!xml) {
		return;
	}
	write = g_new0(struct write, 1);
	write->fdm = fdm;
	write->resource = g_strdup(guest->resource);
	guest->is_writing = true;
	fdm_log(FDM_LOG_GUEST_OFF, guest->resource, guest->resource);
	ha_cib_update(fdm->cib, xml, on_written, write);
	g_free(xml);
}

/* false: it is of no more interest. */
static bool
keep_off(struct guest *guest, uint64_t now_ms)
{
	const struct fdm *fdm = guest->fdm;
	const struct fdm_vm *vm = fdm_facts_vm(fdm->facts, guest->resource);

	/* A reboot would go on in this process; one that nobody ends is what
	 * it seems after a while. */
	if (guest->is_writing ||
	    (guest->source && now_ms < guest->off_ms + FDM_GUEST_LINGER_MS)) {
		return true;
	}
	if (!vm || !vm->stops_with_guest || !vm->is_wanted ||
	    !is_recorded(guest)) {
		return false;
	}
	if (now_ms < guest->retry_ms) {
		return true;
	}
	if (vm->is_managed && has_quorum(fdm, now_ms)) {
		write_off(guest);
	} else if (!guest->is_wait_told) {
		guest->is_wait_told = true;
		fdm_log(FDM_LOG_GUEST_OFF_WAITS, guest->resource,
			vm->is_managed ?
				"there is no quorum" :
				"Pacemaker does not manage it (is-managed, "
				"maintenance)");
	}
	return true;
}

static gboolean
is_done(gpointer key, gpointer value, gpointer data)
{
	struct guest *guest = value;
	const uint64_t *now_ms = data;
	bool is_kept = guest->is_off && keep_off(guest, *now_ms);

	(void)key;
	if (guest->is_off && !is_kept) {
		guest->is_off = false;
	}
	return !guest->source && !is_kept && !guest->is_writing;
}

/* ---- one that runs again ----------------------------------------------------- */

/* The master alone, one at a time. Taken away whole, by Pacemaker's own
 * program: an update can only merge. */
static void
clear_notes(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_guests *guests = fdm->guests;

	if (now_ms < guests->clear_ms || !fdm_master_may_write(fdm, now_ms)) {
		return;
	}
	for (guint i = 0; i < fdm->facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(fdm->facts->vms, struct fdm_vm, i);
		const char *argv[] = { "crm_resource",
				       "--resource",
				       vm->resource,
				       "--meta",
				       "--delete-parameter",
				       FDM_META_GUEST_OFF,
				       NULL };

		if (vm->guest_off[0] && vm->is_wanted) {
			guests->clear_ms = now_ms + FDM_GUEST_CLEAR_MS;
			fdm_child_run(
				fdm, argv, FDM_CLEANUP_MS,
				"crm_resource --delete-parameter " FDM_META_GUEST_OFF,
				NULL);
			return;
		}
	}
}

void
fdm_guests_tick(struct fdm *fdm, uint64_t now_ms)
{
	if (!fdm->guests || fdm->is_ending || !fdm_has_facts(fdm)) {
		return;
	}
	(void)g_hash_table_foreach_remove(fdm->guests->by_resource, is_done,
					  &now_ms);
	listen_to_all(fdm, now_ms);
	clear_notes(fdm, now_ms);
}

void
fdm_guests_begin(struct fdm *fdm)
{
	fdm->guests = g_new0(struct fdm_guests, 1);
	fdm->guests->by_resource = g_hash_table_new_full(
		g_str_hash, g_str_equal, NULL, guest_free);
	fdm->guests->deaf =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}
