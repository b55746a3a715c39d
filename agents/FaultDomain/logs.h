/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every line that vmha-fdmd logs in its own words; the responder's stand in
 * responder.h. As with the heartbeat daemon: a call is
 * fdm_log(FDM_LOG_X, arguments), logs_table.h tells what each means, and
 * `vmha-fdmd --log-lines` prints both. A thread writes them, so that a log that
 * hangs stops nobody.
 */
#ifndef FAULT_DOMAIN_LOGS_H
#define FAULT_DOMAIN_LOGS_H

#include <stdbool.h>
#include <syslog.h>

/* clang-format off */
#define FDM_LOG_BEGIN LOG_NOTICE, "begin", "vmha-fdmd %s begins, answers on %s"
#define FDM_LOG_FAILED LOG_ERR, "failed", "can't start: %s"
#define FDM_LOG_END LOG_NOTICE, "end", "stopped"
#define FDM_LOG_CLIENT LOG_INFO, "client", "a client was turned away: %s"
#define FDM_LOG_CIB LOG_NOTICE, "cib", "connected to Pacemaker's CIB, version %s, %u gated VMs, coordinator (DC) %s"
#define FDM_LOG_NO_CIB LOG_WARNING, "no-cib", "no CIB: %s"
#define FDM_LOG_HEARTBEAT LOG_NOTICE, "heartbeat", "heartbeatd answers, this host is %s"
#define FDM_LOG_NO_HEARTBEAT LOG_WARNING, "no-heartbeat", "heartbeatd does not answer: %s"
#define FDM_LOG_MASTER LOG_NOTICE, "master", "this host is master, term %llu, %s"
#define FDM_LOG_NOT_MASTER LOG_NOTICE, "not-master", "this host is master no more: %s"
#define FDM_LOG_MASTER_WAITS LOG_WARNING, "master-waits", "it is this host's turn and it can't be master: %s"
#define FDM_LOG_PROMOTED LOG_NOTICE, "promoted", "Pacemaker has promoted this host"
#define FDM_LOG_DEMOTED LOG_NOTICE, "demoted", "this host is not promoted any more: %s"
#define FDM_LOG_CANDIDATE LOG_INFO, "candidate", "this host stands for master, with %u heartbeat datastores"
#define FDM_LOG_NO_CANDIDATE LOG_NOTICE, "no-candidate", "this host does not stand for master: %s"
#define FDM_LOG_SCORE LOG_INFO, "score", "promotion score %u is written"
#define FDM_LOG_HOLDING LOG_NOTICE, "holding", "%u VMs of %s are held: it is out of reach and not proven dead"
#define FDM_LOG_LIFTING LOG_NOTICE, "lifting", "%u holds that name %s are lifted: %s"
#define FDM_LOG_DISK_FAILED LOG_ERR, "disk-failed", "%s for %s has failed: %s"
#define FDM_LOG_GRANTED LOG_NOTICE, "granted", "%s may be started: %s"
#define FDM_LOG_HELD LOG_WARNING, "held", "%s may not be started: %s (%s)"
#define FDM_LOG_WAITS LOG_NOTICE, "waits", "%s: %s"
#define FDM_LOG_GIVEN_UP LOG_ERR, "given-up", "%s: %s"
#define FDM_LOG_PENDING LOG_WARNING, "pending-placement", "%s: %s"
#define FDM_LOG_PLACED LOG_NOTICE, "placed", "%s: a host has room for it now"
#define FDM_LOG_RESTARTED LOG_NOTICE, "restarted", "%s was restarted on %s: %s"
#define FDM_LOG_ADMITTED LOG_NOTICE, "admitted", "%s is admitted, with a reservation of %llu MHz and %llu MiB"
#define FDM_LOG_NOT_ADMITTED LOG_WARNING, "not-admitted", "%s is not admitted, and stays off: %s"
#define FDM_LOG_RAISE_REFUSED LOG_WARNING, "raise-refused", "%s reserves more than was admitted: %s"
#define FDM_LOG_UNADMITTED LOG_WARNING, "unadmitted", "%s runs, and would not have been admitted: %s"
#define FDM_LOG_ASK_YES LOG_NOTICE, "ask-admitted", "%s may go on: %s"
#define FDM_LOG_ASK_NO LOG_WARNING, "ask-refused", "%s may not go on: %s: %s"
#define FDM_LOG_ADMISSION_GREEN LOG_NOTICE, "admission-green", "the cluster survives the failures that it is to survive"
#define FDM_LOG_ADMISSION_RED LOG_ERR, "admission-red", "the cluster does not survive the failures that it is to survive: %s"
#define FDM_LOG_DEGRADATION LOG_WARNING, "degradation", "failures would slow VMs down: %s"
#define FDM_LOG_DEGRADATION_END LOG_NOTICE, "degradation-end", "failures would slow VMs down no more than performance_degradation allows: %s"
#define FDM_LOG_KEPT_BACK LOG_NOTICE, "kept-back", "%u VMs of %s wait for their turn; the first ones are restarted now"
#define FDM_LOG_RELEASED LOG_WARNING, "released", "%u VMs that wait for their turn may be started now, in no order: %s"
#define FDM_LOG_PROTECT_READ LOG_INFO, "protect-read", "the protected list: %u VMs protected, %u powered off, written in term %llu"
#define FDM_LOG_PROTECT_UNREAD LOG_ERR, "protect-unread", "the protected list can't be read: VMs without a ticket may start, those too that were powered off"
#define FDM_LOG_PROTECT_FAILED LOG_ERR, "protect-failed", "the protected list can't be read or written: %s"
#define FDM_LOG_PROTECTED LOG_INFO, "protected", "%s is protected"
#define FDM_LOG_UNPROTECTED LOG_INFO, "unprotected", "%s is not protected any more: its user has powered it off"
#define FDM_LOG_OFF LOG_INFO, "off", "%s stays down: %s"
#define FDM_LOG_POWER_ON LOG_NOTICE, "power-on", "%s may run again: its user has asked for it"
#define FDM_LOG_RESTART_POLICY LOG_ERR, "restart-policy", "%s"
#define FDM_LOG_TICKETS LOG_INFO, "tickets", "%u tickets written, term %llu"
#define FDM_LOG_CIB_FAILED LOG_ERR, "cib-failed", "the tickets can't be written: %s"
#define FDM_LOG_PLAN_WRITTEN LOG_INFO, "plan-written", "%u targets of the failure plan are written"
#define FDM_LOG_PLAN_INCOMPLETE LOG_WARNING, "plan-incomplete", "%u VMs would not come back as planned: %s"
#define FDM_LOG_UNSEAL LOG_NOTICE, "unseal", "%s is told that its VM list is settled"
#define FDM_LOG_UNSEAL_FAILED LOG_WARNING, "unseal-failed", "%s can't be told that its VM list is settled: %s"
#define FDM_LOG_FENCE LOG_WARNING, "fence", "%s has vanished, is not proven dead, and Pacemaker takes it for cleanly off: Pacemaker is asked to fence it"
#define FDM_LOG_CHILD_FAILED LOG_WARNING, "child-failed", "%s: %s"
#define FDM_LOG_CLEANUP LOG_INFO, "cleanup", "%s: failures of its attempts to start are cleared"
#define FDM_LOG_FENCED_HELD LOG_NOTICE, "fenced-held", "fence_vmha: all VMs of %s are held, %u of %u since now"
#define FDM_LOG_FENCE_REFUSED LOG_WARNING, "fence-refused", "fence_vmha: the VMs of %s can't be held: %s"
#define FDM_LOG_HAND_STARTED LOG_WARNING, "hand-started", "%s runs on this host, and Pacemaker does not have it here (domain %s, QEMU process %d)"
#define FDM_LOG_DUPLICATE LOG_CRIT, "duplicate", "%s runs on this host, where Pacemaker does not have it, and on %s as well (here: domain %s, QEMU process %d)"
#define FDM_LOG_TWIN LOG_CRIT, "twin", "%s runs on this host, where Pacemaker has it, and the VM list of %s says that it runs there as well (here: domain %s, QEMU process %d)"
#define FDM_LOG_ORPHAN LOG_WARNING, "orphan", "%s runs on this host, and the cluster has no such resource any more (domain %s, QEMU process %d)"
#define FDM_LOG_FOUND_END LOG_NOTICE, "found-end", "%s: %s has ended, after %llu s"
#define FDM_LOG_LISTED LOG_NOTICE, "listed", "%s is on this host's VM list since it runs here: it is started nowhere else"
#define FDM_LOG_LIST_FAILED LOG_WARNING, "list-failed", "%s runs here and can't be put on this host's VM list as its only host: %s"
#define FDM_LOG_CLEARED LOG_NOTICE, "cleared", "%s is off this host's VM list: it runs here no more, and Pacemaker does not have it here"
#define FDM_LOG_CLEAR_FAILED LOG_WARNING, "clear-failed", "%s does not run here and can't be taken off this host's VM list: %s"
#define FDM_LOG_LOOK_FAILED LOG_WARNING, "look-failed", "the QEMU processes of this host can't be looked at: %s"
#define FDM_LOG_STATE_LIVE LOG_NOTICE, "state-live", "%s is live, it was %s (%s)"
#define FDM_LOG_STATE_ISOLATED LOG_ERR, "state-isolated", "%s is isolated, it was %s (%s)"
#define FDM_LOG_STATE_PARTITIONED LOG_WARNING, "state-partitioned", "%s is partitioned, it was %s (%s)"
#define FDM_LOG_STATE_DEAD LOG_ERR, "state-dead", "%s is dead, it was %s (%s)"
#define FDM_LOG_STATE_UNREACHABLE LOG_ERR, "state-agent-unreachable", "%s: agent unreachable, it was %s (%s)"
#define FDM_LOG_STATE_INIT_ERROR LOG_ERR, "state-initialization-error", "%s: initialization error, it was %s (%s)"
#define FDM_LOG_STATE_OTHER LOG_NOTICE, "state-other", "%s is %s, it was %s (%s)"
#define FDM_LOG_MAINTENANCE_BEGIN LOG_NOTICE, "maintenance-begin", "%s enters maintenance (standby)"
#define FDM_LOG_MAINTENANCE LOG_NOTICE, "maintenance", "%s is in maintenance (standby): no VM is left there"
#define FDM_LOG_MAINTENANCE_END LOG_NOTICE, "maintenance-end", "%s leaves maintenance"
#define FDM_LOG_GUEST_OFF LOG_NOTICE, "guest-off", "the guest of %s has shut itself down: it counts as powered off by its user; vmha vm start %s"
#define FDM_LOG_GUEST_OFF_WAITS LOG_WARNING, "guest-off-waits", "the guest of %s has shut itself down, and its target-role stays as it is: %s"
#define FDM_LOG_GUEST_OFF_FAILED LOG_ERR, "guest-off-failed", "the guest of %s has shut itself down, and target-role=Stopped can't be written: %s"
#define FDM_LOG_GUEST_ASKED LOG_INFO, "guest-asked", "the guest of %s has shut down as a stop has asked it to, or was moved or replaced meanwhile"
#define FDM_LOG_GUEST_DEAF LOG_WARNING, "guest-deaf", "%s was started before on_guest_shutdown=stop was set: that takes effect with its next start"
#define FDM_LOG_CAPACITY LOG_INFO, "capacity", "capacity of this host for VMs is written: %s"
#define FDM_LOG_CAPACITY_BY_HAND LOG_INFO, "capacity-by-hand", "utilization %s of this host was set by hand and stays as it is"
#define FDM_LOG_CAPACITY_UNKNOWN LOG_WARNING, "capacity-unknown", "what this host has for VMs is not known: %s"
#define FDM_LOG_CAPACITY_FAILED LOG_WARNING, "capacity-failed", "the capacity of this host can't be written: %s"
#define FDM_LOG_READY LOG_INFO, "ready", "%s: its %s is well"
#define FDM_LOG_READY_LOST LOG_NOTICE, "ready-lost", "%s: nothing is heard of its %s any more"
#define FDM_LOG_READY_NO_CHANNEL LOG_WARNING, "ready-no-channel", "%s never becomes ready as it is configured: %s"
#define FDM_LOG_READY_ASK_FAILED LOG_WARNING, "ready-ask-failed", "guests of this host can't be asked whether they are well: %s"
/* clang-format on */

void fdm_log_open(bool is_debug);
void fdm_log_close(void);
void fdm_log(int level, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fdm_log_print_rows(void);

#endif
