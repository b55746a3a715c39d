/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that talks to heartbeatd, so that nobody else waits for it. Takes
 * a snapshot twice a beat and carries out commands in the order in which they
 * came; after commands it takes a snapshot at once. Calls back in the caller's
 * context.
 */
#ifndef FAULT_DOMAIN_WORKER_H
#define FAULT_DOMAIN_WORKER_H

#include <glib.h>
#include <jansson.h>

#include "FaultDomain/snap.h"

struct fdm_worker;

/* `on_snap`: the snapshot becomes the callee's (fdm_snap_free()). NULL: can't
 * begin a thread. */
struct fdm_worker *fdm_worker_new(GMainContext *context,
				  void (*on_snap)(void *data,
						  struct fdm_snap *snap),
				  void *data, struct ha_err *err);

/* Asks heartbeatd. Takes `request` over. `done` gets 0 and the answer
 * (borrowed), or a negative errno and a sentence. budget_ms bounds the
 * question itself, from its turn on. */
void fdm_worker_ask(struct fdm_worker *worker, json_t *request,
		    uint64_t budget_ms,
		    void (*done)(void *data, int code, const json_t *answer,
				 const char *why),
		    void *data);

#endif
