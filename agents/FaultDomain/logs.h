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
#define FDM_LOG_MASTER LOG_NOTICE, "master", "this host is master, term %llu"
#define FDM_LOG_NOT_MASTER LOG_NOTICE, "not-master", "this host is master no more: %s"
#define FDM_LOG_MASTER_WAITS LOG_WARNING, "master-waits", "this host is the coordinator (DC) and can't be master: %s"
#define FDM_LOG_HOLDING LOG_NOTICE, "holding", "%u VMs of %s are held: it is out of reach and not proven dead"
#define FDM_LOG_LIFTING LOG_NOTICE, "lifting", "%u holds that name %s are lifted: %s"
#define FDM_LOG_DISK_FAILED LOG_ERR, "disk-failed", "%s for %s has failed: %s"
#define FDM_LOG_GRANTED LOG_NOTICE, "granted", "%s may be started: %s"
#define FDM_LOG_HELD LOG_WARNING, "held", "%s may not be started: %s (%s)"
#define FDM_LOG_WAITS LOG_NOTICE, "waits", "%s: %s"
#define FDM_LOG_GIVEN_UP LOG_ERR, "given-up", "%s: %s"
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
#define FDM_LOG_UNSEAL LOG_NOTICE, "unseal", "%s is told that its VM list is settled"
#define FDM_LOG_UNSEAL_FAILED LOG_WARNING, "unseal-failed", "%s can't be told that its VM list is settled: %s"
#define FDM_LOG_FENCE LOG_WARNING, "fence", "%s has vanished, is not proven dead, and Pacemaker takes it for cleanly off: Pacemaker is asked to fence it"
#define FDM_LOG_CHILD_FAILED LOG_WARNING, "child-failed", "%s: %s"
#define FDM_LOG_CLEANUP LOG_INFO, "cleanup", "%s: failures of its attempts to start are cleared"
#define FDM_LOG_FENCED_HELD LOG_NOTICE, "fenced-held", "fence_vmha: all VMs of %s are held, %u of %u since now"
#define FDM_LOG_FENCE_REFUSED LOG_WARNING, "fence-refused", "fence_vmha: the VMs of %s can't be held: %s"
/* clang-format on */

void fdm_log_open(bool is_debug);
void fdm_log_close(void);
void fdm_log(int level, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fdm_log_print_rows(void);

#endif
