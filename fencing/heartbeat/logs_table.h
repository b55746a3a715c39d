/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each line of logs.h means to an operator. Included by log.c, which
 * prints docs/LOGS.md from it, and by the test that holds the page against
 * it; a row per line of logs.h, in its order.
 */
#ifndef VMHA_HEARTBEAT_LOGS_TABLE_H
#define VMHA_HEARTBEAT_LOGS_TABLE_H

#include "heartbeat/logs.h"

struct hb_log_row {
	int level;
	const char *id;
	const char *format;
	const char *meaning;
};

/* clang-format off */
static const struct hb_log_row HB_LOG_ROWS[] = {
	{ HB_LOG_BEGIN, "The program was started. The watchdog is not armed yet." },
	{ HB_LOG_START, "A step of the start: which datastore is waited for and why. The start waits for ever: a host without its heartbeat datastores takes no part." },
	{ HB_LOG_FAILED, "The daemon ends. The sentence says what to change. Nothing was armed." },
	{ HB_LOG_SERVING, "The start is complete: beats stand on enough datastores, the watchdog is armed, VMs may be started here." },
	{ HB_LOG_STOPPING, "A clean stop was asked for (SIGTERM, systemctl stop)." },
	{ HB_LOG_STOP_WITH_VMS, "Stop the VMs, or Pacemaker, first. As it is, fencing this host by its heartbeat fails, since nothing guards it any more." },
	{ HB_LOG_STOPPED, "To the others this host is out of the way if its VM list is empty." },
	{ HB_LOG_STOP_FAILED, "Too few datastores took the word of the stop. Mend the storage and stop again; a daemon killed now means a reset of this host." },
	{ HB_LOG_IPC_FAILED, "Agents can't ask this daemon: they start no VM. The sentence says what stands in the way." },
	{ HB_LOG_CLIENT, "Somebody asked without the right to, or too many asked at a time." },
	{ HB_LOG_LOST, "Beats were not late for it, but the log has a gap." },
	{ HB_LOG_STORE_OK, "It was opened, or works again after a failure." },
	{ HB_LOG_STORE_FAILED, "With too few datastores left this host is reset by its watchdog, unless corosync keeps it alive. Mend the storage now; the daemon tries again by itself." },
	{ HB_LOG_STORE_SLOW, "One such line is noise; many are the storage's warning before hosts are reset." },
	{ HB_LOG_BLOCK, "Seen once for each change. Torn: a host died while it wrote, or the storage lost a write. Foreign or alien: something else writes to this datastore." },
	{ HB_LOG_CONFLICT, "Two hosts share a name or a slot, or a datastore was copied. This host is reset: two hosts in one slot can't be told apart." },
	{ HB_LOG_ARMED, "From here on a host that can't beat is reset." },
	{ HB_LOG_SOFTDOG, "softdog shares the kernel's fate. A panic without reboot leaves VMs unknown." },
	{ HB_LOG_DISARMED, "Clean stop, or planned work." },
	{ HB_LOG_PET_FAILED, "The device or its driver has failed. VMs will be started elsewhere after the reset." },
	{ HB_LOG_NO_EVIDENCE, "The datastores and the ring are both lost. The reset that follows is what lets the others start the VMs." },
	{ HB_LOG_EVIDENCE, "storage: the usual. ring: the datastores are lost, other hosts vouch for this one. lone: all other hosts are down for certain. none: a reset follows." },
	{ HB_LOG_CLOCK, "The host, or the machine below it, was paused or out of CPU. Longer than the watchdog's time and it is reset." },
	{ HB_LOG_UNLOCKED, "Give the daemon the right to lock memory (LimitMEMLOCK=infinity)." },
	{ HB_LOG_NOT_REALTIME, "Give the daemon the right to realtime scheduling (LimitRTPRIO=99, no cgroup limit)." },
	{ HB_LOG_HOST_LIVE, "A host came, or came back. A higher incarnation means that it was restarted." },
	{ HB_LOG_HOST_SILENT, "The proof by storage. Whether it counts as dead also depends on corosync: see the line 'fenced'." },
	{ HB_LOG_HOST_STOPPED, "It needs no fencing." },
	{ HB_LOG_HOST_CONFIRMED, "`vmha host confirm-dead` was given for it, on any host. It ends when that host beats again." },
	{ HB_LOG_HOST_UNGUARDED, "Its daemon was stopped with VMs running, or is starting. Fencing by heartbeat fails; a second fencing level decides." },
	{ HB_LOG_HOST_STANDING_DOWN, "Until `vmha arm` that host can't be proven dead." },
	{ HB_LOG_HOST_UNKNOWN, "Too few datastores can be read here. Fencing by heartbeat fails; no VM that this host might have is started." },
	{ HB_LOG_RING_OPEN, "Membership and quorum are known." },
	{ HB_LOG_RING_LOST, "corosync is stopped, has crashed or is not started yet. The daemon tries each second." },
	{ HB_LOG_RING_NAME, "Change nodelist.node.name in corosync.conf, or host= in vmha.conf." },
	{ HB_LOG_RING_NO_SLOT, "A node was added to corosync and not to the heartbeat." },
	{ HB_LOG_MEMBERS, "The hosts that this host can talk to by corosync." },
	{ HB_LOG_QUORUM, "Without quorum this host proves nobody dead." },
	{ HB_LOG_RING_MODE, "The datastores are lost and the other hosts vouch for this one, or they are back." },
	{ HB_LOG_ORDERED, "reset or off. It is carried out at once: this is the last line before the reset, if it is written at all." },
	{ HB_LOG_TOLD, "test: a question whether orders arrive. stand-down, stand-to: planned work begins or ends. seal: this host takes no VM any more." },
	{ HB_LOG_RIVAL, "Two hosts that don't hear each other both want the other reset, as in a two-node cluster that is cut apart. One of them must live." },
	{ HB_LOG_NOT_OBEYED, "seal: two sides of the cluster have quorum, and the other one must give way. unseal: only the master of this membership may say that." },
	{ HB_LOG_ORDER, "This host gave the order. It stands in its beat until it is acknowledged or means nothing any more." },
	{ HB_LOG_ORDER_ACKED, "The other host has read the order and does as told." },
	{ HB_LOG_ORDER_REFUSED, "The other host has read the order and does not obey; its own log says why." },
	{ HB_LOG_ORDER_OVER, "The other host is dead, was restarted, or can't read its datastores." },
	{ HB_LOG_BRAKED, "The brake against a cluster that resets itself to death. The next fencing level decides." },
	{ HB_LOG_FENCED, "Pacemaker was told that the host is fenced. The rest of the line is the evidence." },
	{ HB_LOG_CUT_OFF, "Pacemaker was told that the host is fenced. Nothing was reset: what it runs is held in its name, and starts nowhere else before it is released there, or the host is proven dead." },
	{ HB_LOG_PLACED, "Its virtual machines are held now. Pacemaker was told that fencing failed, so that it asks once more and no plan of its is older than the holds." },
	{ HB_LOG_NOT_FENCED, "Pacemaker was told that fencing failed: it starts nothing of that host elsewhere and tries the next level. The rest of the line says what was missing." },
	{ HB_LOG_DISARM, "`vmha disarm` or `vmha arm`, and which hosts followed." },
	{ HB_LOG_SEALED, "What runs here runs on. A host begins sealed, and seals when it is cut off. It opens in a quorate membership: by the master's word, or after ten beats where there is no master." },
	{ HB_LOG_STILL_SEALED, "The way from cut off back to open, step by step." },
	{ HB_LOG_UNSEALED, "The end of a start, or of a cut." },
	{ HB_LOG_CLAIM_LOST, "A two-node cluster that is cut apart, or votes that are wrong. VMs of this side run on and none is started, until both sides are one again or the other is dead." },
	{ HB_LOG_CLAIM_WON, "The same, seen from the side that goes on. Mend the network; look at quorum and votes in corosync.conf." },
	{ HB_LOG_MASTER, "From here on this host grants VMs that were held and settles the lists of hosts that come back." },
	{ HB_LOG_MASTER_LOST, "Another host becomes master, unless quorum is lost." },
	{ HB_LOG_GRANTED, "The entry is on the datastores and no other host holds the VM." },
	{ HB_LOG_REFUSED, "Starting it could run it twice. The sentence names the host that holds it, or whose list can't be read." },
	{ HB_LOG_TAKEN, "A live migration begins: the VM is on the lists of both hosts, and starts on no third one." },
	{ HB_LOG_KEPT, "A migration to this host has not ended as far as the datastores tell. The VM can be started here, and nowhere else until a stop or a probe has run on this host again." },
	{ HB_LOG_WITHDRAWN, "Its process is proven gone; other hosts may start it." },
	{ HB_LOG_RELEASED, "Its process is proven gone; other hosts may start it, although this one still lists it on the datastores. Mend the storage." },
	{ HB_LOG_RELEASE_KEPT, "The master's side of the line 'released'. The record stands until that host writes its list again, or is gone." },
	{ HB_LOG_HELD, "That host is cut off and lives on. Nobody starts its VMs until it releases them, is proven dead, or returns." },
	{ HB_LOG_LIFTED, "The master has seen that host's list: what it held back may be started again where the list allows it." },
	{ HB_LOG_PROTECT, "The master of this host has changed the list, and it stands on enough heartbeat datastores: it survives a power loss." },
	{ HB_LOG_CONFIRMED_DEAD, "`vmha host confirm-dead` was given on this host. The word counts for this incarnation, as long as no newer beat of it is seen." },
	{ HB_LOG_RELOADED, "SIGHUP was obeyed." },
	{ HB_LOG_RESTART_NEEDED, "Restart this host's daemon at a convenient time, with the VMs moved away." },
	{ HB_LOG_RELOAD_FAILED, "The file is unreadable or wrong. Nothing has changed; correct it and send SIGHUP again." },
};
/* clang-format on */

#define HB_LOG_ROWS_N (sizeof(HB_LOG_ROWS) / sizeof(HB_LOG_ROWS[0]))

static inline const char *
hb_log_level_name(int level)
{
	switch (level) {
	case LOG_CRIT:
		return "crit";
	case LOG_ERR:
		return "err";
	case LOG_WARNING:
		return "warning";
	case LOG_NOTICE:
		return "notice";
	}
	return "info";
}

#endif
