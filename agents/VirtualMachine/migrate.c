/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live migration. migrate_to runs on the source and drives it; migrate_from
 * runs on the target and proves the arrival. Whatever breaks in between
 * (either host, the network, libvirtd, the time), each side afterwards says
 * only what it has proven, and Pacemaker's stop on both ends it on one host.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "VirtualMachine/vm.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/hvload.h"
#include "ha/vmfiles.h"

/* Puts the host's name in place of %n. */
static int
expand(const char *template, const char *host, char *ret, size_t size,
       struct ha_err *err)
{
	size_t n = 0;

	for (const char *p = template; *p; p++) {
		const char *part = p;
		size_t len = 1;

		if (p[0] == '%' && p[1] == 'n') {
			part = host;
			len = strlen(host);
			p++;
		}
		if (n + len >= size) {
			return ha_err_set(err, -ENAMETOOLONG,
					  "migration URI longer than %zu: %s",
					  size, template);
		}
		memcpy(ret + n, part, len);
		n += len;
	}
	ret[n] = '\0';
	return 0;
}

int
vm_connect_uri(const struct vm *vm, const char *host, char *ret, size_t size,
	       struct ha_err *err)
{
	static const char *const SCHEMES[] = {
		[HA_VM_TRANSPORT_SSH] = "ssh",
		[HA_VM_TRANSPORT_TCP] = "tcp",
		[HA_VM_TRANSPORT_TLS] = "tls",
	};
	const struct ha_vm_params *p = vm->params;
	const char *driver = strchr(p->hypervisor, '/');

	if (p->migration_connect_uri) {
		return expand(p->migration_connect_uri, host, ret, size, err);
	}
	/* hypervisor is qemu:///PATH: "driver" is the "///PATH" part. */
	if (snprintf(ret, size, "qemu+%s://%s%s%s%s",
		     SCHEMES[p->migration_transport],
		     p->migration_user ? p->migration_user : "",
		     p->migration_user ? "@" : "", host,
		     driver ? driver + 2 : "/system") >= (int)size) {
		return ha_err_set(err, -ENAMETOOLONG, "host name too long: %s",
				  host);
	}
	return 0;
}

static int
data_uri(const struct vm *vm, char *ret, size_t size, struct ha_err *err)
{
	const struct ha_vm_params *p = vm->params;
	const char *host = vm->ctx->migrate_target;

	ret[0] = '\0';
	if (p->migration_uri) {
		return expand(p->migration_uri, host, ret, size, err);
	}
	if (p->migration_network_suffix &&
	    snprintf(ret, size, "tcp://%s%s", host,
		     p->migration_network_suffix) >= (int)size) {
		return ha_err_set(err, -ENAMETOOLONG, "host name too long: %s",
				  host);
	}
	return 0;
}

/* One attempt, as is_cancelled() needs to know it. */
struct attempt {
	struct vm *vm;
	char before[HA_QMP_STATUS]; /* query-migrate before it */
	bool has_moved; /* another status was seen since: it is this one's */
};

/* An abort that libvirt can't carry out, or does not come back from: QEMU's
 * own word is enough. "cancelled" and "failed" are final, and the guest runs
 * here; "active" is cancelled by us; in post-copy nothing is touched. QEMU
 * keeps its word of an earlier migration, which says nothing about this. */
static bool
is_cancelled(void *ctx)
{
	struct attempt *attempt = ctx;
	struct vm *vm = attempt->vm;
	uint64_t until_ms = ha_clock_step_ms(vm->ctx->deadline_ms, VM_QMP_MS);
	struct ha_qmp_migration now;
	struct ha_err err = HA_ERR_INIT;

	if (!attempt->before[0] || !vm_ask_migration(vm, until_ms, &now)) {
		return false;
	}
	attempt->has_moved =
		attempt->has_moved || strcmp(now.status, attempt->before) != 0;
	if (strcmp(now.status, "active") == 0) {
		(void)vm_tell_qemu(vm, "migrate_cancel", until_ms, &err);
	}
	return attempt->has_moved &&
	       (strcmp(now.status, "cancelled") == 0 ||
		strcmp(now.status, "failed") == 0) &&
	       ha_vm_qmp_owner(vm_ask_qemu(vm, until_ms, &err)) ==
		       HA_VM_OWNER_HERE;
}

/* Numbers of an earlier migration are none of this one. */
static bool
bytes_sent(void *ctx, uint64_t *ret_bytes)
{
	struct attempt *attempt = ctx;
	struct vm *vm = attempt->vm;
	uint64_t until_ms = ha_clock_step_ms(vm->ctx->deadline_ms, VM_QMP_MS);
	struct ha_qmp_migration now;

	if (!vm_ask_migration(vm, until_ms, &now)) {
		return false;
	}
	attempt->has_moved =
		attempt->has_moved || strcmp(now.status, attempt->before) != 0;
	*ret_bytes = attempt->has_moved ? now.ram_sent : 0;
	return true;
}

static void
fill_spec(const struct vm *vm, const char *dest, const char *data,
	  struct ha_hv_migrate *spec)
{
	const struct ha_vm_params *p = vm->params;
	uint64_t left_ms = ha_clock_left_ms(vm->ctx->deadline_ms);
	uint64_t soft_ms = p->migration_timeout_ms ? p->migration_timeout_ms :
						     left_ms / 4 * 3;

	*spec = (struct ha_hv_migrate){
		.uuid = vm->found.args.uuid,
		.dest_uri = dest,
		.data_uri = *data ? data : NULL,
		.bandwidth_mibs = (uint64_t)p->migration_bandwidth_mibs,
		.postcopy_bandwidth_mibs =
			(uint64_t)p->migration_postcopy_bandwidth_mibs,
		.downtime_ms = p->migration_downtime_ms,
		.stall_ms = VM_MIGRATE_STALL_MS,
		.is_cancelled = is_cancelled,
		.bytes_sent = bytes_sent,
		.parallel_connections =
			(unsigned int)p->migration_parallel_connections,
		.auto_converge = p->migration_auto_converge,
		.postcopy = p->migration_postcopy,
		.tls = p->migration_tls,
		.tunnelled = p->migration_tunnelled,
		.unsafe = p->migration_unsafe,
		.compressed = p->migration_compressed,
		.soft_deadline_ms = ha_clock_now_ms() + soft_ms,
		.soft_action = HA_HV_SOFT_ABORT,
	};
	if (p->migration_timeout_action == HA_VM_FALLBACK_SUSPEND) {
		spec->soft_action = HA_HV_SOFT_SUSPEND;
	} else if (p->migration_timeout_action == HA_VM_FALLBACK_POSTCOPY) {
		spec->soft_action = HA_HV_SOFT_POSTCOPY;
	}
}

/* What libvirt says of the machine or its configuration does not change by
 * itself, and what ended at its own limit has had its time. */
static bool
is_final(int rc)
{
	return rc == 0 || rc == -ECANCELED || rc == -ETIMEDOUT ||
	       rc == -EPERM || rc == -ENOTSUP || rc == -EINVAL || rc == -EACCES;
}

/* Pacemaker answers a failed migration with stop and start, which costs the
 * guest its uptime, where vSphere leaves it running. So what fails for a
 * reason that may pass is tried again, as long as the guest runs here well
 * and the target is there: a dead one would hold up Pacemaker's fencing of
 * it. */
static bool
is_worth_another_try(struct vm *vm, const struct ha_hv_ops *ops, int rc,
		     const char *dest_uri, uint64_t deadline_ms)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_hv *target = NULL;

	if (is_final(rc) ||
	    ha_clock_left_ms(deadline_ms) < 2 * VM_MIGRATE_PAUSE_MS) {
		return false;
	}
	ha_clock_sleep_ms(VM_MIGRATE_PAUSE_MS, deadline_ms);
	rc = ops->open(dest_uri, ha_clock_step_ms(deadline_ms, VM_LIBVIRT_MS),
		       &target, &err);
	ops->close(target);
	return rc == 0 &&
	       vm_ask_qemu(vm, ha_clock_step_ms(deadline_ms, VM_QMP_MS),
			   &err) == HA_VM_QMP_RUNNING;
}

static int
try_migration(struct vm *vm, const struct ha_hv_ops *ops,
	      const struct ha_hv_migrate *spec, uint64_t deadline_ms,
	      struct ha_err *err)
{
	struct attempt attempt = { .vm = vm };
	struct ha_hv_migrate own = *spec;
	struct ha_qmp_migration m;
	struct ha_hv *hv = NULL;
	int rc = ops->open(vm->params->hypervisor,
			   ha_clock_step_ms(deadline_ms, VM_LIBVIRT_MS), &hv,
			   err);

	if (rc == 0) {
		if (vm_ask_migration(
			    vm, ha_clock_step_ms(deadline_ms, VM_QMP_MS), &m)) {
			memcpy(attempt.before, m.status,
			       sizeof(attempt.before));
		}
		own.ctx = &attempt;
		vm->has_asked_to_migrate = true;
		rc = ops->migrate(hv, &own, deadline_ms, err);
	}
	ops->close(hv);
	return rc;
}

static int
run_migration(struct vm *vm, struct ha_err *err)
{
	uint64_t deadline_ms = vm->ctx->deadline_ms;
	uint64_t reserve_ms = HA_HV_ABORT_WAIT_MS + 2 * VM_QMP_MS;
	const struct ha_hv_ops *ops;
	struct ha_hv_migrate spec;
	char dest[VM_URI_BYTES];
	char data[VM_URI_BYTES];
	int rc = vm_connect_uri(vm, vm->ctx->migrate_target, dest, sizeof(dest),
				err);

	if (rc == 0) {
		rc = data_uri(vm, data, sizeof(data), err);
	}
	if (rc == 0) {
		rc = ha_hv_load(&ops, err);
	}
	if (rc < 0) {
		return rc;
	}
	if (ha_clock_left_ms(deadline_ms) > 2 * reserve_ms) {
		deadline_ms -= reserve_ms;
	}
	fill_spec(vm, dest, data, &spec);
	for (unsigned int tries = 1;; tries++) {
		rc = try_migration(vm, ops, &spec, deadline_ms, err);
		if (tries == VM_MIGRATE_TRIES ||
		    !is_worth_another_try(vm, ops, rc, dest, deadline_ms)) {
			return rc;
		}
		agent_log(vm->ctx, AGENT_WARNING,
			  "migration to %s, attempt %u of %u: %s",
			  vm->ctx->migrate_target, tries, VM_MIGRATE_TRIES,
			  err->text);
	}
}

/* It has left: proven by the end of its process here. */
static enum ocf_rc
finish_departure(struct vm *vm)
{
	ha_autoclose int pidfd = ha_proc_open(&vm->found.id);
	int rc = pidfd == -ESRCH ? 0 : pidfd;

	if (pidfd >= 0) {
		rc = ha_proc_wait_end(pidfd, vm->ctx->deadline_ms);
	}
	if (rc < 0) {
		return agent_fail(vm->ctx, OCF_ERR_GENERIC,
				  "%s has moved to %s, but its old QEMU %d "
				  "does not end",
				  vm->name, vm->ctx->migrate_target,
				  (int)vm->found.id.pid);
	}
	/* The entry "outgoing" stays in the VM list until the stop that
	 * Pacemaker runs here after migrate_from: both entries stay until one
	 * side is proven not running (SAFETY 13). */
	vm_record_forget(vm);
	agent_log(vm->ctx, AGENT_INFO, "%s has moved to %s", vm->name,
		  vm->ctx->migrate_target);
	return OCF_SUCCESS;
}

/* libvirt has said that the job is over. Where it is silent, the job lives on
 * in its daemon and may still end on the target: the record stays "outgoing",
 * and stop knows what that means. */
static bool
is_job_over(int rc)
{
	return rc != -ETIMEDOUT && rc != -ENOTCONN;
}

/* It failed: where is the guest now? */
static enum ocf_rc
stay(struct vm *vm, int rc, const struct ha_err *why)
{
	struct ha_err err = HA_ERR_INIT;
	bool is_over = false;

	if (!vm->has_asked_to_migrate || is_job_over(rc)) {
		vm->record.peer[0] = '\0';
		(void)vm_record_phase(vm, HA_VM_PHASE_RUNNING, &err);
		is_over = true;
	}
	vm_look(vm);
	/* Only then the target's entry can be taken off (SAFETY 9, 13). */
	if (is_over &&
	    (vm->state == HA_VM_RUNNING || vm->state == HA_VM_PAUSED)) {
		(void)vm_announce(vm, HA_VMLIST_RUNNING, &err);
	}
	return agent_fail(vm->ctx, OCF_ERR_GENERIC,
			  "%s could not move to %s and is %s here: %s",
			  vm->name, vm->ctx->migrate_target,
			  ha_vm_state_text(vm->state), why->text);
}

enum ocf_rc
vm_migrate_to(struct agent_ctx *ctx)
{
	static struct vm vm;
	struct ha_err err = HA_ERR_INIT;
	int rc;

	vm_init(&vm, ctx);
	vm_identify(&vm);
	if (!ctx->migrate_target) {
		return agent_fail(ctx, OCF_ERR_ARGS,
				  "migrate_to without a target: "
				  "OCF_RESKEY_CRM_meta_migrate_target is not "
				  "set");
	}
	vm_look(&vm);
	if (vm.state != HA_VM_RUNNING && vm.state != HA_VM_PAUSED) {
		return agent_fail(ctx,
				  vm.state == HA_VM_NOT_RUNNING ?
					  OCF_NOT_RUNNING :
					  OCF_ERR_GENERIC,
				  "%s can't migrate, it is %s",
				  vm.name[0] ? vm.name : vm.resource,
				  ha_vm_state_text(vm.state));
	}
	rc = vm_record_adopt(&vm, &err);
	(void)snprintf(vm.record.peer, sizeof(vm.record.peer), "%s",
		       ctx->migrate_target);
	if (rc == 0) {
		rc = vm_announce_outgoing(&vm, ctx->migrate_target, &err);
	}
	if (rc == 0) {
		rc = vm_record_phase(&vm, HA_VM_PHASE_OUTGOING, &err);
	}
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC, "%s can't migrate: %s",
				  vm.name, err.text);
	}
	rc = run_migration(&vm, &err);
	return rc == 0 ? finish_departure(&vm) : stay(&vm, rc, &err);
}

enum ocf_rc
vm_migrate_from(struct agent_ctx *ctx)
{
	static struct vm vm;
	struct ha_err err = HA_ERR_INIT;
	const char *source =
		ctx->migrate_source ? ctx->migrate_source : "another host";
	int rc;

	vm_init(&vm, ctx);
	vm_identify(&vm);
	do {
		vm_look(&vm);
		if (vm.state != HA_VM_MIGRATING_IN && vm.state != HA_VM_HUNG) {
			break;
		}
		ha_clock_sleep_ms(VM_POLL_MS, ctx->deadline_ms);
	} while (ha_clock_left_ms(ctx->deadline_ms) > 0);
	if (vm.state != HA_VM_RUNNING && vm.state != HA_VM_PAUSED) {
		return agent_fail(ctx, OCF_ERR_GENERIC,
				  "%s has not arrived from %s: it is %s here",
				  vm.name[0] ? vm.name : vm.resource, source,
				  ha_vm_state_text(vm.state));
	}
	rc = ha_vmfiles_prepare(&err);
	if (rc == 0) {
		rc = vm_record_adopt(&vm, &err);
	}
	if (rc == 0) {
		rc = vm_announce(&vm, HA_VMLIST_RUNNING, &err);
	}
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC,
				  "%s has arrived from %s: %s", vm.name, source,
				  err.text);
	}
	if (ha_vmfiles_remember(vm.resource, &vm.record, &err) < 0) {
		agent_log(ctx, AGENT_WARNING, "%s", err.text);
	}
	agent_log(ctx, AGENT_INFO, "%s has arrived from %s, QEMU process %d",
		  vm.name, source, (int)vm.found.id.pid);
	return OCF_SUCCESS;
}
