/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The waits of vmha-fdmd; docs/TIMEOUTS.md shows the sums. */
#ifndef FAULT_DOMAIN_FDM_TIMEOUTS_H
#define FAULT_DOMAIN_FDM_TIMEOUTS_H

/* The main loop looks at everything so often, at least. */
#define FDM_TICK_MS 100u
/* A question to heartbeatd that waits for no disk, and one that does. */
#define FDM_HB_ASK_MS 2000u
#define FDM_HB_FLUSH_MS 5000u
/* The master's lease with heartbeatd, renewed thrice in it. */
#define FDM_LEASE_MS 6000u
/* A snapshot older than this tells nothing any more. */
#define FDM_STALE_MS 3000u
/* Without a snapshot, heartbeatd is asked again. */
#define FDM_HB_RETRY_MS 500u
/* An answer owed to fence_vmha that names no budget_ms. */
#define FDM_HOLD_MS 15000u
/* After an update of the CIB its copy is waited for so long. */
#define FDM_COPY_MS 2000u
/* After something went wrong (a write, a hold), before it is tried again. */
#define FDM_RETRY_MS 1000u
/* Between two orders to unseal to one host. */
#define FDM_UNSEAL_MS 1000u
/* Between two requests to fence one host, and beyond T before the first. */
#define FDM_FENCE_AGAIN_MS 60000u
#define FDM_FENCE_GRACE_MS 10000u
/* Beyond T, a host that is away and shows no beat is not just dying: its VMs
 * are held. */
#define FDM_AWAY_GRACE_MS 2000u
/* A VM that is granted and stays down where its start was refused is cleaned
 * up so often. */
#define FDM_REFUSED_MS 10000u
/* Pacemaker goes on to the next host at once: an attempt to start a VM has
 * failed when nothing has happened for so long after a failed start. */
#define FDM_ATTEMPT_QUIET_MS 5000u
/* And where another host has not been tried: its scheduler may be starved, and
 * a failure that is none costs a wait of minutes. */
#define FDM_ATTEMPT_NEXT_MS 20000u
/* While an attempt may have come to nothing, the newest copy of the CIB is no
 * older than this: news of a change may be late, or lost. */
#define FDM_WATCH_COPY_MS 2000u
/* A VM that is granted and that Pacemaker, with nothing else to do, does not
 * begin to start has nowhere to run. */
#define FDM_NO_ROOM_MS 8000u
/* As long as a VM is to run and does not, attempts are looked at so often. */
#define FDM_RESTART_LOOK_MS 500u
/* No master for so long: tickets that wait are granted, in no order. */
#define FDM_NO_MASTER_MS 60000u
/* The end of a daemon waits so long for the newest CIB, while VMs wait. */
#define FDM_END_MS 500u
/* fence_vmha's question what is to be kept back waits so long for a master:
 * the dead host may have been it. Below FENCE_BACK_MS. */
#define FDM_BACK_MS 800u
/* A VM that its user stopped is powered off when it was proven stopped for so
 * long: a restart by its user is none. */
#define FDM_OFF_MS 1000u
/* The protected list is read again, and what is shown of it is no older. */
#define FDM_PROTECT_LOOK_MS 10000u
/* heartbeatd's answers about it wait for the datastores so long: no snapshot is
 * taken meanwhile. What is not done by then goes on, and is asked for again. */
#define FDM_PROTECT_ASK_MS 1000u
/* A new master that can't read it for so long goes on without it. */
#define FDM_PROTECT_READ_MS 10000u
/* Children: crm_resource --cleanup, stonith_admin --fence. */
#define FDM_CLEANUP_MS 30000u
#define FDM_FENCE_MS 120000u
/* attrd_updater; what the CIB does not show by then is taken away, and after a
 * pause written again. */
#define FDM_ATTR_MS 5000u
#define FDM_ATTR_AGAIN_MS 5000u
#define FDM_ATTR_PAUSE_MS 1000u
/* Child: crm_attribute; and after one that failed. */
#define FDM_SCORE_MS 10000u
#define FDM_SCORE_AGAIN_MS 10000u
/* Nobody is promoted: whoever is not the best lets those that are write their
 * scores first. */
#define FDM_ELECTION_MS 3000u
/* A score falls, or is taken back, when its reason has lasted so long. */
#define FDM_WITHDRAW_MS 10000u
/* A live master was demoted: the next one is promoted within this, or the
 * coordinator acts. */
#define FDM_MOVE_MS 2000u
/* Who is promoted and is not master for so long makes the coordinator act:
 * beyond FDM_LEASE_MS and a claim. */
#define FDM_IDLE_MASTER_MS 10000u
/* What the CIB's tickets say is told to heartbeatd again, in case it was
 * restarted. */
#define FDM_TELL_MS 5000u
/* The processes of this host are looked through so often, and again so soon
 * when a look has seen something new; a look that takes so long hangs. */
#define FDM_LOOK_MS 15000u
#define FDM_LOOK_AGAIN_MS 5000u
#define FDM_LOOK_LATE_MS 60000u
/* An entry onto this host's list, or off it; when that has failed, again. */
#define FDM_LIST_MS 10000u
#define FDM_LIST_RETRY_MS 60000u
/* A config file is read for its UUID, and so long that counts. */
#define FDM_CONFIG_MS 5000u
#define FDM_IDENTITY_MS 300000u
/* Between two writes of the node attribute that tells what was found. */
#define FDM_FOUND_TELL_MS 10000u
/* VMs with on_guest_shutdown=stop that began to run on this host are looked for
 * so often. */
#define FDM_GUEST_LOOK_MS 1000u
/* A QEMU that nobody ends after its guest's power off (libvirtd is away) has no
 * reboot of libvirt's before it. */
#define FDM_GUEST_LINGER_MS 10000u
/* Between two notes of a guest's power off that are taken away: crm_resource
 * takes 0.1 s, and one that fails is tried again. */
#define FDM_GUEST_CLEAR_MS 2000u
/* This host's CPUs and memory are looked at so often: hot-plug is rare. */
#define FDM_CAPACITY_LOOK_MS 60000u
/* Its capacity could not be written into the CIB: tried again. */
#define FDM_CAPACITY_AGAIN_MS 10000u
/* What the VMs need of this host is looked at so often, and so soon after one
 * has come or has another config file; a look may take so long. */
#define FDM_LACKS_LOOK_MS 600000u
#define FDM_LACKS_SOON_MS 10000u
#define FDM_LACKS_MS 60000u
/* VMs with a heartbeat as their ready condition: what runs here is looked for
 * so often. */
#define FDM_READY_LOOK_MS 1000u
/* Who is due within this is asked along, and a program that asks is killed
 * then: six turns of HA_HV_PING_MS, and room. */
#define FDM_READY_GATHER_MS 2000u
#define FDM_READY_ASK_MS 60000u
/* Between two writes of the node attribute: each makes Pacemaker look anew. */
#define FDM_READY_TELL_MS 2000u
/* An application's channel is read no more often: a line a second is enough. */
#define FDM_READY_REST_MS 1000u
/* Domain XML files, for the sizes of VMs: a few of them together, and one, are
 * read within this; then they count as unknown. All are looked at so often. */
#define FDM_SHAPES_MS 5000u
#define FDM_SHAPE_MS 1000u
#define FDM_SHAPES_LOOK_MS 60000u
/* A host that is online and whose capacity nobody has written: so long nobody
 * is refused for it. */
#define FDM_BLIND_MS 10000u
/* What a command asks and is seen within this of a new term may have been answered
 * by the last master: attrd_updater, FDM_ATTR_MS. */
#define FDM_DOOR_EARLY_MS 5000u
/* The plan is written when nothing has started, stopped or moved for so long; at
 * the latest so long after it has changed, and so long where VMs are to start and
 * do not. One that could not be written is tried again. */
#define FDM_PLAN_QUIET_MS 5000u
#define FDM_PLAN_LATEST_MS 60000u
#define FDM_PLAN_DOWN_MS 600000u
#define FDM_PLAN_AGAIN_MS 10000u
/* A plan of many VMs is made in turns of so long; beats and tickets do not wait
 * for it. Each that is begun in vain doubles that, at most up to this. */
#define FDM_PLAN_BUDGET_MS 10u
#define FDM_PLAN_BUDGET_MAX_MS 160u
/* With performance_degradation below 100: what the VMs of this host use is
 * measured so often, the first time over this. */
#define FDM_USE_LOOK_MS 60000u
#define FDM_USE_FIRST_MS 10000u
/* Whether that would fit after failures is judged so often; a warning ends when
 * nothing was wrong for so long, two measures. */
#define FDM_USE_JUDGE_MS 5000u
#define FDM_USE_QUIET_MS 120000u
/* A client that asks nothing makes room. */
#define FDM_IDLE_MS 60000u

#endif
