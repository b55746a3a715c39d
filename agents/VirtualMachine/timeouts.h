/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every wait of the VirtualMachine agent, in one place. docs/TIMEOUTS.md says
 * where each number comes from; tests/unit/timeouts_test.c checks that the
 * steps of an action fit into its timeout.
 */
#ifndef VM_TIMEOUTS_H
#define VM_TIMEOUTS_H

/* Advertised in the meta-data, in s. */
#define VM_START_TIMEOUT_S 90
#define VM_STOP_TIMEOUT_S 180
#define VM_MONITOR_TIMEOUT_S 30
#define VM_MONITOR_INTERVAL_S 10
#define VM_MIGRATE_TO_TIMEOUT_S 300
#define VM_MIGRATE_FROM_TIMEOUT_S 60
#define VM_RELOAD_TIMEOUT_S 20
#define VM_VALIDATE_TIMEOUT_S 30

/* Steps, in ms. */
#define VM_QMP_MS 1000            /* one answer of QEMU; 0.5 ms is usual */
#define VM_QMP_AGAIN_MS 3000      /* second question, before "hung" */
#define VM_LIBVIRT_MS 2000        /* libvirt's opinion in a monitor */
#define VM_LISTING_MS 3000        /* a monitor has the VM listed */
#define VM_CONFIG_MS 5000         /* a share that does not answer: go on */
#define VM_DYING_MS 2000          /* patience with a process in its exit */
#define VM_QUIT_MS 3000           /* QEMU's own end after "quit" */
#define VM_TERM_MS 5000           /* after SIGTERM: disks are flushed */
#define VM_FORCE_RESERVE_MS 20000 /* kept of the stop timeout for force */
#define VM_AGENT_ASK_MS 5000      /* guest agent: "shut down", accepted */
#define VM_START_RESERVE_MS 4000  /* kept of the start timeout for undoing */
#define VM_MIGRATE_TRIES 3u       /* of a migration that fails at once */
#define VM_MIGRATE_PAUSE_MS 3000  /* between two of them */
#define VM_MIGRATE_STALL_MS 8000  /* no byte taken: the target is dead */
#define VM_BUTTON_MS 10000        /* between two presses of the power button */
#define VM_PEER_MS 10000          /* the other host's libvirt, by ssh too */
#define VM_ENDED_MS 1500          /* the manager: is it to wait now? */
#define VM_CIB_MS 10000           /* cibadmin, for the term of its ticket */
#define VM_TICKET_MS 1000         /* until that is read once more */
#define VM_POLL_MS 50             /* between looks at a changing state */

#endif
