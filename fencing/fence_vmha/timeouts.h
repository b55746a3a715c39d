/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The waits of fence_vmha; docs/TIMEOUTS.md shows the sums. */
#ifndef VMHA_FENCE_TIMEOUTS_H
#define VMHA_FENCE_TIMEOUTS_H

/* An answer of the local daemon, which never waits for a disk. */
#define FENCE_ASK_MS 2000u
/* Between questions while the proof is near, and while it is farther away
 * than this. */
#define FENCE_POLL_MS 100u
#define FENCE_POLL_FAR_MS 1000u
/* Patience beyond T (1 + rho): the order must be read (a beat), obeyed, and
 * the silence seen by a read (a beat); the rest is for a busy host. */
#define FENCE_EXTRA_BEATS 4u
#define FENCE_EXTRA_MS 5000u

/* The members confirm that a cut-off host is still none of them: one question,
 * and how long it is asked again before success stands without. */
#define FENCE_CONFIRM_ASK_MS 1000u
#define FENCE_CONFIRM_MS 3000u
/* Holds are flushed, then written to the CIB. */
#define FENCE_HOLD_MS 5000u
/* The manager keeps back VMs of a dead host that have to wait for others: one
 * update of the CIB. Success follows in any case. */
#define FENCE_BACK_MS 1000u
/* A manager that is there and can't answer, or knows no master yet, is asked
 * again for so long; then the host is reset. A new master needs two beats. */
#define FENCE_MANAGER_BEATS 5u

#endif
