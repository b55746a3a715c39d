/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a libvirt domain XML says about identity, size and disks: text in, struct
 * out (expat, no entities, no files, no network). The XML is a user's file
 * and may be hostile or torn: each such case has a sentence, none a crash.
 */
#ifndef HA_DOMAIN_H
#define HA_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/text.h"

#define HA_DOMAIN_DISKS 64
#define HA_DOMAIN_NAME 256
#define HA_DOMAIN_SOURCE 1024
#define HA_DOMAIN_XML_MAX (4u * 1024 * 1024) /* bytes; larger is refused */

/* Virtio channels: libvirt's own name for the guest agent's, and the one into
 * which an application writes a line as long as it is well. */
#define HA_DOMAIN_AGENT "org.qemu.guest_agent.0"
#define HA_DOMAIN_HEARTBEAT "org.vmha.heartbeat.0"

enum ha_disk_kind {
	HA_DISK_NONE, /* empty drive */
	HA_DISK_FILE,
	HA_DISK_BLOCK,
	HA_DISK_NETWORK, /* rbd, iscsi, nbd, ...: `source` is proto:name */
	HA_DISK_OTHER,   /* volume, dir, nvme, vhostuser */
};

struct ha_domain_disk {
	enum ha_disk_kind kind;
	bool readonly;
	bool shareable;
	bool transient;
	bool is_disk;    /* device='disk' (not cdrom, floppy, lun) */
	char target[32]; /* "vda" */
	char format[16]; /* driver type: raw, qcow2, "" */
	char cache[16];
	char source[HA_DOMAIN_SOURCE];
};

struct ha_domain {
	char name[HA_DOMAIN_NAME];
	char uuid[HA_UUID_TEXT]; /* "" when the XML has none */
	char type[16];           /* kvm, qemu */
	uint64_t memory_mib;     /* <memory>, rounded up; 0: none that is one */
	uint64_t guarantee_mib;  /* <memtune><min_guarantee>; 0: none */
	uint64_t video_mib;      /* memory of its video devices */
	uint32_t iothreads;      /* <iothreads> */
	bool is_pinned; /* locked, huge pages, or a device passed through */
	uint32_t vcpus; /* <vcpu>, the most it may have; 0: the same */
	unsigned int n_hostdevs;    /* devices of a host, passed through */
	unsigned int n_filesystems; /* folders of a host, passed through */
	bool has_agent;             /* the channel HA_DOMAIN_AGENT */
	bool has_heartbeat;         /* the channel HA_DOMAIN_HEARTBEAT */
	unsigned int n_disks;
	struct ha_domain_disk disks[HA_DOMAIN_DISKS];
};

/* 0; -EINVAL not a domain XML (sentence says line and what); -E2BIG more
 * than the limits above; -ENOMEM. uuid comes out in lower case 8-4-4-4-12
 * whatever spelling of it libvirt would take. The struct is about 80 KiB: not
 * for the stack of a small thread. */
int ha_domain_parse(const char *xml, size_t len, struct ha_domain *ret_domain,
		    struct ha_err *err);

/* The backing file that an image names, from its first bytes (qcow2, qcow,
 * qed). ret_backing "" when it has none or is no such image. `head` holds
 * head_len bytes from offset 0; 4096 are enough for what qemu-img writes.
 * 0; -EINVAL a header that contradicts itself; -ERANGE the name lies past
 * head_len (read more); -ENAMETOOLONG it does not fit into `size`. */
int ha_image_backing(const unsigned char *head, size_t head_len,
		     char *ret_backing, size_t size);

#endif
