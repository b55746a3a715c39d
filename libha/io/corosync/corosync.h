/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of io/corosync share. Nothing outside includes this.
 */
#ifndef HA_IO_COROSYNC_H
#define HA_IO_COROSYNC_H

#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

#include "ha/corosync.h"

/* The negative errno of the contract: -EAGAIN retry, -ENOTCONN corosync is
 * gone, others as they are. 0 for CS_OK. */
int ha__corosync_code(cs_error_t cs);
/* A connection that can't be made: says why; `service` is corosync's word. */
int ha__corosync_refused(const char *service, cs_error_t cs,
			 struct ha_err *err);
/* Corosync runs without votequorum: -ENOTSUP. */
int ha__corosync_no_provider(struct ha_err *err);
/* Connects one library each. */
int ha__corosync_open_cmap(cmap_handle_t *ret_cmap, struct ha_err *err);
int ha__corosync_open_votes(votequorum_handle_t *ret_votes, struct ha_err *err);
int ha__corosync_read_config(cmap_handle_t cmap, votequorum_handle_t votes,
			     struct ha_corosync_config *ret_config,
			     struct ha_err *err);

#endif
