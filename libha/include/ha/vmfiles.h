/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that belong to a VM on this host: its record under /run, its
 * identity under /var/lib, its QMP socket. All on local file systems, so no
 * call here blocks; writes are whole (temporary file, rename).
 */
#ifndef HA_VMFILES_H
#define HA_VMFILES_H

#include <sys/types.h>

#include "ha/err.h"
#include "ha/vmrecord.h"

/* Makes /run/vmha/vm, /run/vmha/qmp (writable by QEMU's user) and
 * /var/lib/vmha/vm where they are missing. */
int ha_vmfiles_prepare(struct ha_err *err);

/* The record of this boot. 0; -ENOENT none, or one of another boot;
 * -EINVAL torn (the sentence names the file). */
int ha_vmfiles_load(const char *resource, struct ha_vm_record *ret_record,
		    struct ha_err *err);
int ha_vmfiles_store(const char *resource, const struct ha_vm_record *record,
		     struct ha_err *err);
/* Removes record, sockets and mark; the identity under /var/lib stays. */
int ha_vmfiles_remove(const char *resource, const char *qmp_path,
		      struct ha_err *err);

/* A stop is about to ask the guest to shut down: its end is then not the
 * guest's own wish, whenever it comes. A file of its own, since a monitor may
 * be writing the record. */
int ha_vmfiles_mark_stop(const char *resource, struct ha_err *err);
void ha_vmfiles_unmark_stop(const char *resource);
/* true also where it can't be told. */
bool ha_vmfiles_is_stop_marked(const char *resource);

/* uuid and name of the last start, across reboots. Same results. */
int ha_vmfiles_recall(const char *resource, struct ha_vm_record *ret_record,
		      struct ha_err *err);
int ha_vmfiles_remember(const char *resource, const struct ha_vm_record *record,
			struct ha_err *err);

/* Does the record of another resource name this process? It is then not
 * ours, whatever it looks like. */
bool ha_vmfiles_is_of_other(const char *resource, pid_t pid,
			    uint64_t start_ticks);

/* Takes back a create request that was handed to libvirt and may still be
 * carried out: puts a directory where its QMP socket would go, so that a
 * QEMU which starts later fails before it runs (it can't unlink or bind a
 * directory). A QEMU that has bound already shows in the process table: the
 * caller looks there *after* this call. SAFETY 9. */
int ha_vmfiles_revoke(const char *qmp_path, struct ha_err *err);

#endif
