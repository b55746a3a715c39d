/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared between the files of the VirtualMachine agent: who the VM is, what
 * the witnesses say about it, and the steps that several actions take.
 * One action per process, so everything of one call lives in struct vm.
 */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/domain.h"
#include "ha/hypervisor.h"
#include "ha/proc.h"
#include "ha/qmp.h"
#include "ha/vmlist.h"
#include "ha/vmparams.h"
#include "ha/vmrecord.h"
#include "ha/vmstate.h"
#include "runtime/agent.h"

#include "VirtualMachine/timeouts.h"

struct vm {
	struct agent_ctx *ctx;
	const struct ha_vm_params *params;
	const char *resource;
	char uuid[HA_UUID_TEXT];   /* "" not known */
	char name[HA_DOMAIN_NAME]; /* "" not known */
	bool has_record;
	struct ha_vm_record record; /* as on disk, if has_record */
	struct ha_vm_facts facts;
	enum ha_vm_state state;
	struct ha_err why;          /* facts.process is unknown: why */
	struct ha_qemu_found found; /* found.id.pid 0: no process */
	bool is_dying;              /* it is in its exit: no command line */
	bool is_own_start;          /* only the start at record.qmp_path
				     * counts as the VM */
	bool has_asked_to_migrate;  /* libvirt may have a job of ours */
	bool is_recalled;           /* uuid comes from /var/lib alone */
	bool is_revoked;            /* vm_revoke_start has been here */
	bool was_gone;              /* stop found no process */
	bool is_unlisted;           /* it runs, and `unlisted` says why */
	struct ha_err unlisted;     /* the VM list does not say so */
	char *xml;                  /* of config, after vm_read_config */
	struct ha_domain *domain;   /* parsed xml */
};

/* identity.c */
void vm_init(struct vm *vm, struct agent_ctx *ctx);
/* Reads and parses config, and compares it with name and uuid. */
int vm_read_config(struct vm *vm, struct ha_err *err);
/* What is known without the config file; with it where that is needed. */
void vm_identify(struct vm *vm);

/* evidence.c: fills facts, state and found. */
void vm_look(struct vm *vm);
/* The process only; 0 none, 1 found, -EBUSY one in its exit may be it, other
 * -errno can't be told. */
int vm_find_process(struct vm *vm, struct ha_err *err);
/* The same, and waits for those in their exit that could have been it. */
int vm_find_settled(struct vm *vm, uint64_t deadline_ms, struct ha_err *err);
/* QMP query-status of the found process. */
enum ha_vm_qmp vm_ask_qemu(struct vm *vm, uint64_t deadline_ms,
			   struct ha_err *err);
/* QMP query-migrate of the found process; false: no answer. */
bool vm_ask_migration(struct vm *vm, uint64_t deadline_ms,
		      struct ha_qmp_migration *ret);
/* One QMP command to the found process. */
int vm_tell_qemu(struct vm *vm, const char *command, uint64_t deadline_ms,
		 struct ha_err *err);
/* Exit code and sentence of the state that vm_look found. */
enum ocf_rc vm_report(struct vm *vm);

/* record.c: what is remembered. */
int vm_record_phase(struct vm *vm, enum ha_vm_phase phase, struct ha_err *err);
/* Writes a record of the process that vm_look found. */
int vm_record_adopt(struct vm *vm, struct ha_err *err);
void vm_record_forget(struct vm *vm);
/* Has another action made the record that is there now? Its files and its
 * entry are not this action's. */
bool vm_record_is_of_other(const struct vm *vm);
/* An unfinished start may have left a request with libvirtd: take it back. */
int vm_revoke_start(struct vm *vm, struct ha_err *err);

/* kill.c: ends the process, whatever it takes; 0 proven gone. */
int vm_kill(struct vm *vm, uint64_t deadline_ms, struct ha_err *err);
/* SIGKILL to the process that was found; 0 it has ended. */
int vm_kill_now(struct vm *vm, uint64_t deadline_ms, struct ha_err *err);

/* outgoing.c: ends a VM that may be on its way to another host. 0: proven
 * neither here nor there; -EREMOTE: it may have moved. */
int vm_kill_outgoing(struct vm *vm, struct ha_err *err);

/* migrate.c: URI of another host's libvirt, by the migration parameters. */
#define VM_URI_BYTES 512
int vm_connect_uri(const struct vm *vm, const char *host, char *ret,
		   size_t size, struct ha_err *err);

/* stale.c: overlays, managed save, autostart. 0 or -EINVAL with sentence. */
int vm_check_overlays(struct vm *vm, struct ha_err *err);
int vm_check_defined(struct vm *vm, const struct ha_hv_dom *dom,
		     struct ha_err *err);
void vm_note_locking(struct vm *vm);

/* ended.c: it is stopped and off the list; before Pacemaker hears of it. */
void vm_tell_ended(const struct vm *vm);

/* ticket.c: the term of its ticket, as the local copy of Pacemaker's CIB has it
 * now, by cibadmin. 0; -errno: can't be told. */
int vm_ticket_term(const struct vm *vm, uint64_t deadline_ms,
		   uint64_t *ret_term, struct ha_err *err);

/* lock.c: the VM list (ha/vmlist.h). */
int vm_announce(struct vm *vm, enum ha_vmlist_state state, struct ha_err *err);
int vm_announce_by(struct vm *vm, enum ha_vmlist_state state,
		   uint64_t deadline_ms, struct ha_err *err);
/* Announces it as running, and notes in the record, which the caller stores,
 * whose list says so now. */
int vm_list_running(struct vm *vm, uint64_t deadline_ms, struct ha_err *err);
/* Is it on the list that the daemon keeps now? By the record alone. */
bool vm_is_listed(const struct vm *vm);
int vm_announce_outgoing(struct vm *vm, const char *target, struct ha_err *err);
/* -ESTALE: prove once more that it does not run here, and ask again. */
int vm_withdraw(struct vm *vm, struct ha_err *err);

/* Actions. */
enum ocf_rc vm_start(struct agent_ctx *ctx);
enum ocf_rc vm_stop(struct agent_ctx *ctx);
enum ocf_rc vm_monitor(struct agent_ctx *ctx);
enum ocf_rc vm_migrate_to(struct agent_ctx *ctx);
enum ocf_rc vm_migrate_from(struct agent_ctx *ctx);
enum ocf_rc vm_reload_agent(struct agent_ctx *ctx);
enum ocf_rc vm_validate_all(struct agent_ctx *ctx);

extern const struct agent_desc VM_AGENT;
/* man.roff as text; written by the build. */
extern const char VM_MAN_BODY[];

#endif
