/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this host's libvirt is and how it is set up, without asking it: its
 * process, its user for QEMU, its lock manager. Reads local files only.
 */
#ifndef HA_HOSTCONF_H
#define HA_HOSTCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* True when libvirtd (or virtqemud) is proven dead or stopped: no daemon
 * process and nobody listens on its socket, or its process is in state T.
 * A deadlocked daemon can't be told from a busy one here: false. The call
 * may wake a socket-activated daemon; it never waits for one. */
bool ha_hostconf_libvirtd_is_down(void);

/* The group that QEMU runs with: `group` of /etc/libvirt/qemu.conf, else the
 * distribution's (libvirt-qemu, qemu, kvm), else 0. Looks users up. */
gid_t ha_hostconf_qemu_group(void);

/* The user that QEMU runs as: `user` of qemu.conf, else the distribution's
 * (libvirt-qemu, qemu), else 0. */
uid_t ha_hostconf_qemu_user(void);

/* A setting of /etc/libvirt/qemu.conf (key = "value"); false: not set. */
bool ha_hostconf_qemu_conf(const char *key, char *ret_value, size_t size);

#endif
