/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every line that vmha-heartbeatd logs in its own words: level, id, format,
 * and in logs_table.h what an operator should understand. A call is
 * hb_log(HB_LOG_X, arguments); the compiler holds the arguments against the
 * format. docs/LOGS.md is printed from the same rows (--log-lines).
 *
 * Levels by what they mean for the cluster:
 *   crit     this host is about to be reset, or does not protect its VMs
 *   err      something has failed that a person must mend
 *   warning  the protection still holds, with less margin
 *   notice   a change that belongs in the story of a failure
 *   info     the daemon's ordinary life
 */
#ifndef VMHA_HEARTBEAT_LOGS_H
#define VMHA_HEARTBEAT_LOGS_H

#include <stdbool.h>
#include <syslog.h>

/* clang-format off */
/* the daemon */
#define HB_LOG_BEGIN LOG_INFO, "begin", "vmha-heartbeatd %s begins, reads %s"
#define HB_LOG_START LOG_INFO, "start", "%s"
#define HB_LOG_FAILED LOG_ERR, "failed", "can't start: %s"
#define HB_LOG_SERVING LOG_NOTICE, "serving", "this host is %s, slot %u, incarnation %llu: protected by %s, answers on %s"
#define HB_LOG_STOPPING LOG_NOTICE, "stopping", "stopping: clean stop is being written to the heartbeat datastores"
#define HB_LOG_STOP_WITH_VMS LOG_CRIT, "stop-with-vms", "stopping with VMs on this host's list (%u): all other hosts must take them for running here, and start them nowhere, until this daemon runs again or a person confirms this host dead"
#define HB_LOG_STOPPED LOG_NOTICE, "stopped", "stopped, watchdog disarmed"
#define HB_LOG_STOP_FAILED LOG_CRIT, "stop-failed", "can't stop: %s; the watchdog stays armed, beats go on"
#define HB_LOG_IPC_FAILED LOG_ERR, "ipc-failed", "%s"
#define HB_LOG_CLIENT LOG_INFO, "client", "a client was turned away: %s"
#define HB_LOG_LOST LOG_WARNING, "events-lost", "%u messages of the heartbeat threads were lost, this thread was too slow"
/* datastores */
#define HB_LOG_STORE_OK LOG_NOTICE, "store-ok", "heartbeat datastore %s works"
#define HB_LOG_STORE_FAILED LOG_ERR, "store-failed", "heartbeat datastore %s: %s"
#define HB_LOG_STORE_SLOW LOG_WARNING, "store-slow", "heartbeat datastore %s: a beat took %llu ms, longer than the tolerated %u ms, and is no evidence; look at the storage, or choose a slower profile"
#define HB_LOG_BLOCK LOG_WARNING, "block", "heartbeat datastore %s: the beat of %s is %s"
#define HB_LOG_CONFLICT LOG_CRIT, "conflict", "somebody else writes the slot of this host: %s"
/* evidence and watchdog */
#define HB_LOG_ARMED LOG_NOTICE, "armed", "watchdog %s (%s) armed, it resets this host after %u ms without a beat"
#define HB_LOG_SOFTDOG LOG_WARNING, "softdog", "watchdog %s is the kernel's softdog: a kernel that hangs does not reset this host; a hardware watchdog would"
#define HB_LOG_DISARMED LOG_NOTICE, "disarmed", "watchdog disarmed"
#define HB_LOG_PET_FAILED LOG_CRIT, "pet-failed", "the watchdog can't be told that this host lives: %s; it will reset this host"
#define HB_LOG_NO_EVIDENCE LOG_CRIT, "no-evidence", "no evidence of this host's life for %llu ms: the watchdog will reset it unless a datastore or the ring answers"
#define HB_LOG_EVIDENCE LOG_NOTICE, "evidence", "evidence of this host's life is now: %s"
#define HB_LOG_CLOCK LOG_WARNING, "stood-still", "this daemon stood still for %llu ms; look for a starved or suspended host"
#define HB_LOG_UNLOCKED LOG_WARNING, "not-locked", "the daemon's memory is not locked: a swapping host may be reset although it is healthy"
#define HB_LOG_NOT_REALTIME LOG_WARNING, "not-realtime", "the daemon has no realtime priority: a busy host may be reset although it is healthy"
/* hosts */
#define HB_LOG_HOST_LIVE LOG_NOTICE, "host-live", "%s beats, incarnation %llu"
#define HB_LOG_HOST_SILENT LOG_WARNING, "host-silent", "%s has been silent on the heartbeat datastores for the whole time that proves it: its watchdog has reset it, unless the ring keeps it alive"
#define HB_LOG_HOST_STOPPED LOG_NOTICE, "host-stopped", "%s was stopped cleanly and runs no VM"
#define HB_LOG_HOST_CONFIRMED LOG_WARNING, "host-confirmed", "%s, incarnation %llu, counts as dead: an administrator has confirmed it"
#define HB_LOG_HOST_UNGUARDED LOG_WARNING, "host-unguarded", "%s has VMs on its list, or beats, without an armed watchdog: nothing can be proven about it"
#define HB_LOG_HOST_STANDING_DOWN LOG_NOTICE, "host-standing-down", "%s has disarmed its watchdog for planned work"
#define HB_LOG_HOST_UNKNOWN LOG_WARNING, "host-unknown", "nothing is known about %s: fewer than %u heartbeat datastores tell"
/* corosync */
#define HB_LOG_RING_OPEN LOG_NOTICE, "ring-open", "connected to corosync, cluster %s"
#define HB_LOG_RING_LOST LOG_WARNING, "ring-lost", "no corosync: %s; until it is back this host proves nobody dead"
#define HB_LOG_RING_NAME LOG_ERR, "ring-name", "corosync calls this host %s, the heartbeat datastores call it %s: give it one name, or ring evidence and fencing by it can't work"
#define HB_LOG_RING_NO_SLOT LOG_ERR, "ring-no-slot", "corosync's node %s has no slot on the heartbeat datastores: it can't be fenced by its heartbeat; vmha heartbeat add-host %s gives it one"
#define HB_LOG_MEMBERS LOG_NOTICE, "members", "membership %llu: %s"
#define HB_LOG_QUORUM LOG_NOTICE, "quorum", "membership %llu %s"
#define HB_LOG_RING_MODE LOG_WARNING, "ring-mode", "%s"
/* orders and fencing */
#define HB_LOG_ORDERED LOG_CRIT, "ordered", "%s orders this host: %s"
#define HB_LOG_TOLD LOG_NOTICE, "told", "%s tells this host: %s"
#define HB_LOG_RIVAL LOG_ERR, "rival", "%s orders this host: %s; it is not obeyed, since this host ordered %s first and its name is the greater one"
#define HB_LOG_NOT_OBEYED LOG_WARNING, "not-obeyed", "%s orders this host: %s; it is not obeyed: %s"
#define HB_LOG_ORDER LOG_NOTICE, "order", "%s is ordered: %s"
#define HB_LOG_ORDER_ACKED LOG_NOTICE, "order-acked", "%s acknowledges: %s"
#define HB_LOG_ORDER_REFUSED LOG_WARNING, "order-refused", "%s refuses: %s (%s)"
#define HB_LOG_ORDER_OVER LOG_WARNING, "order-over", "%s did not acknowledge: %s"
#define HB_LOG_BRAKED LOG_ERR, "braked", "%s is not ordered to reset: %u orders were given within the last hour, fence_limit=%u; find out what kills your hosts before you raise it"
#define HB_LOG_FENCED LOG_NOTICE, "fenced", "%s counts as dead: %s; %s"
#define HB_LOG_CUT_OFF LOG_NOTICE, "cut-off", "%s is cut off and lives on: %s"
#define HB_LOG_PLACED LOG_NOTICE, "placed", "%s is cut off and lives on, to be asked once more: %s"
#define HB_LOG_NOT_FENCED LOG_ERR, "not-fenced", "%s is not proven dead: %s; %s"
#define HB_LOG_DISARM LOG_NOTICE, "disarm", "planned work: %s"
/* seal and master */
#define HB_LOG_SEALED LOG_WARNING, "sealed", "this host is sealed, it takes no VM: %s"
#define HB_LOG_STILL_SEALED LOG_NOTICE, "still-sealed", "this host is sealed, for another reason now: %s"
#define HB_LOG_UNSEALED LOG_NOTICE, "unsealed", "this host is not sealed any more: it takes VMs"
#define HB_LOG_CLAIM_LOST LOG_ERR, "claim-lost", "two sides of the cluster have quorum; the side of %s is the higher one, this one gives way"
#define HB_LOG_CLAIM_WON LOG_ERR, "claim-won", "two sides of the cluster have quorum; this one is higher than that of %s, which must give way"
#define HB_LOG_MASTER LOG_NOTICE, "master", "the fault domain manager of this host is master, term %llu"
#define HB_LOG_MASTER_LOST LOG_NOTICE, "master-over", "this host is no longer master of term %llu: %s"
/* VM list */
#define HB_LOG_GRANTED LOG_INFO, "granted", "%s (%s) is %s here"
#define HB_LOG_REFUSED LOG_ERR, "refused", "%s (%s) may not be %s here: %s"
#define HB_LOG_TAKEN LOG_INFO, "taken", "%s (%s) is incoming on %s: it may migrate"
#define HB_LOG_KEPT LOG_WARNING, "kept", "%s (%s) does not run here and stays on this host's list as incoming: %s may still send it"
#define HB_LOG_WITHDRAWN LOG_INFO, "withdrawn", "%s (%s) is off this host's list"
#define HB_LOG_RELEASED LOG_NOTICE, "released", "%s (%s) has ended here; this host can't write its list, and the master %s has written that down for it"
#define HB_LOG_RELEASE_KEPT LOG_NOTICE, "release-kept", "%s (%s) has ended on %s, incarnation %llu, VM list %llu, which can't write its list: written down for it, term %llu"
/* configuration */
#define HB_LOG_HELD LOG_NOTICE, "held", "%u VMs are held in the name of %s, incarnation %llu, VM list %llu (%u of them were already)"
#define HB_LOG_LIFTED LOG_NOTICE, "holds-lifted", "%u holds in the name of %s, incarnation %llu, end, up to VM list %llu, term %llu"
#define HB_LOG_PROTECT LOG_INFO, "protect", "the protected list is written: %u VMs protected, %u powered off, term %llu, generation %llu"
#define HB_LOG_CONFIRMED_DEAD LOG_WARNING, "confirmed-dead", "an administrator has confirmed that %s, incarnation %llu, is dead; its last beat was %llu, storage said %s. Its VMs may be started elsewhere: if it still runs them, they run twice"
#define HB_LOG_RELOADED LOG_NOTICE, "reloaded", "%s was read again: fence_limit=%u%s"
#define HB_LOG_RESTART_NEEDED LOG_WARNING, "restart-needed", "%s: %s has changed, which needs a restart of this daemon; it goes on with the old value"
#define HB_LOG_RELOAD_FAILED LOG_ERR, "reload-failed", "%s; the old configuration stays in force"
/* clang-format on */

void hb_log(int level, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Opens syslog, standard error in the foreground, and a file if given. A file
 * that can't be opened is said on standard error and left out. */
void hb_log_open(const char *file, bool is_foreground, bool is_debug);
void hb_log_close(void);
/* The rows as docs/LOGS.md has them, to standard output. */
void hb_log_print_rows(void);
/* hb_start()'s voice. */
void hb_log_say(int priority, const char *text);

#endif
