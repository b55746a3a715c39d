/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The heartbeat area: what one cluster keeps on one heartbeat datastore, a
 * block device or a preallocated file. This is the only place that knows its
 * bytes; everything is little endian, in blocks of 4096 bytes, each with
 * magic, kind, version, cluster id, its own place and CRC-32C, so that a
 * torn, foreign, stale, truncated or hostile block gets a verdict of its own.
 *
 *   block 0        superblock, written by `vmha heartbeat create`
 *   block 1        its copy
 *   then           slot table (names of hosts), TABLE blocks
 *   then           beats, one block per slot, written by that host alone
 *   then           VM lists, two copies per slot, written by that host alone
 *   then           holds, two copies per slot, written by that host alone
 *   then           protected list, two copies, written by the master alone
 *
 * Orders to a host (the mailbox) and their acknowledgements stand in the
 * beat of the host that gives them: every block has one writer, an order
 * costs no I/O of its own and none can overwrite another.
 *
 * Pure functions on buffers. Buffers of blocks are HA_BLOCK bytes each.
 * Numbers of enums stand on disk: new ones go to the end. Decoders refuse
 * what can't be (HA_BLOCK_INVALID) and leave ret_x untouched unless OK.
 */
#ifndef HA_AREA_H
#define HA_AREA_H

#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/hostset.h"
#include "ha/timing.h"
#include "ha/watch.h"

#define HA_BLOCK 4096u
#define HA_CLUSTER_NAME 64 /* corosync.conf(5) cluster_name, NUL included */
#define HA_VMS_MAX 1024    /* VMs a host */
#define HA_RESOURCE_NAME 64
#define HA_ORDERS_MAX 16 /* orders open at a time per sender */
#define HA_AREA_VERSION 1

struct ha_uuid {
	uint8_t bytes[16];
};

/* "8-4-4-4-12" and back; buffer of 37. -EINVAL. */
void ha_uuid_format(const struct ha_uuid *uuid, char ret_text[37]);
int ha_uuid_parse(const char *text, struct ha_uuid *ret_uuid);

/* ---- what a decoder says ---------------------------------------------- */

enum ha_block_verdict {
	HA_BLOCK_OK,
	HA_BLOCK_BLANK,     /* all zero: never formatted */
	HA_BLOCK_ALIEN,     /* no magic of ours: another program's data */
	HA_BLOCK_TORN,      /* ours, CRC wrong: torn write or rot */
	HA_BLOCK_FOREIGN,   /* ours, of another cluster */
	HA_BLOCK_MISPLACED, /* ours, but of another place or kind */
	HA_BLOCK_NEWER,     /* ours, of a version this program can't read */
	HA_BLOCK_INVALID,   /* CRC right, contents impossible */
	HA_BLOCK_STALE,     /* a list of another generation than asked for */
	HA_BLOCK_VERDICT_N
};
const char *ha_block_verdict_name(enum ha_block_verdict verdict);
const char *ha_block_verdict_text(enum ha_block_verdict verdict);

/* ---- superblock -------------------------------------------------------- */

struct ha_superblock {
	uint16_t version;
	uint32_t compat;            /* feature bits: unknown ones are ignored */
	uint32_t ro_compat;         /* unknown: may be read, not written */
	uint32_t incompat;          /* unknown: must not be touched */
	struct ha_uuid cluster;     /* made by create; one for all areas */
	char name[HA_CLUSTER_NAME]; /* corosync's cluster name */
	struct ha_uuid store;       /* this area's own */
	uint32_t store_index;       /* which of `stores` this one is */
	uint32_t stores;            /* how many areas the cluster has */
	uint32_t slots;             /* 1 to HA_HOSTS_MAX */
	uint32_t vms;               /* per host, 1 to HA_VMS_MAX */
	uint32_t protected_vms;     /* room of the protected list */
	enum ha_profile profile;
	struct ha_timing timing;
	uint64_t generation; /* grows with each change by `vmha heartbeat` */
};

#define HA_FEATURE_COMPAT 0u
#define HA_FEATURE_RO_COMPAT 0u
#define HA_FEATURE_INCOMPAT 0u

void ha_superblock_encode(const struct ha_superblock *sb, uint32_t block_no,
			  void *ret_block);
/* Unknown incompat bits are HA_BLOCK_NEWER; ro_compat is the caller's to
 * obey, and ha_timing_check() the caller's to ask. version is the one of this
 * program: encoders write that, whatever the struct says. */
enum ha_block_verdict ha_superblock_decode(const void *block, uint32_t block_no,
					   struct ha_superblock *ret_sb);

/* ---- layout ------------------------------------------------------------ */

/* First block and length in blocks of each region. */
struct ha_region {
	uint64_t first;
	uint64_t blocks;
};
struct ha_layout {
	struct ha_region table;
	struct ha_region beats;          /* block of slot s: first + s */
	struct ha_region lists;          /* copy c of slot s: first +
				     * (2 s + c) * list_blocks */
	struct ha_region holds;          /* likewise with hold_blocks */
	struct ha_region protected_list; /* copy c: first + c * blocks / 2 */
	uint32_t list_blocks;            /* of one copy */
	uint32_t hold_blocks;            /* of one copy */
	uint64_t total_blocks;
};
/* From slots, vms, protected_vms. -ERANGE for values outside their limits. */
int ha_layout_compute(const struct ha_superblock *sb,
		      struct ha_layout *ret_layout);

/* ---- slot table -------------------------------------------------------- */

struct ha_slot_table {
	char names[HA_HOSTS_MAX][HA_HOST_NAME]; /* empty: free */
};
/* layout->table.blocks blocks at once; decode gives the verdict of the first
 * block that is not sound, STALE when blocks are of two writes (superblock
 * generations). */
void ha_slot_table_encode(const struct ha_superblock *sb,
			  const struct ha_slot_table *table, void *ret_blocks);
enum ha_block_verdict ha_slot_table_decode(const struct ha_superblock *sb,
					   const void *blocks,
					   struct ha_slot_table *ret_table);
/* Slot of a host name, HA_SLOT_NONE. */
uint32_t ha_slot_find(const struct ha_slot_table *table, const char *host);

/* ---- beat -------------------------------------------------------------- */

enum ha_beat_state {
	HA_BEAT_UNCLAIMED, /* formatted, incarnation 0 */
	HA_BEAT_STARTING,  /* claimed, watchdog not armed yet */
	HA_BEAT_ARMED,
	HA_BEAT_STOPPED,       /* clean stop: disarmed */
	HA_BEAT_STANDING_DOWN, /* `vmha disarm` */
};

#define HA_BEAT_QUORATE 0x01u
#define HA_BEAT_MASTER 0x02u
#define HA_BEAT_ISOLATED 0x04u
#define HA_BEAT_SEALED 0x08u
#define HA_BEAT_RING_MODE 0x10u /* evidence comes from the ring */
#define HA_BEAT_SOFTDOG 0x20u   /* the watchdog shares the kernel's fate */
#define HA_BEAT_MEMBER 0x40u    /* has a corosync membership */

enum ha_order_kind {
	HA_ORDER_NONE,
	HA_ORDER_TEST,
	HA_ORDER_RESET,
	HA_ORDER_OFF,
	HA_ORDER_SEAL,
	HA_ORDER_STAND_DOWN,
	HA_ORDER_STAND_TO, /* end of STAND_DOWN */
	HA_ORDER_UNSEAL,   /* of the master: the list is settled */
};
const char *ha_order_kind_name(enum ha_order_kind kind);

/* SAFETY 15: sender (whose beat it is), nonce, target's incarnation; stands
 * until acknowledged; means nothing to another incarnation. */
struct ha_order {
	enum ha_order_kind kind;
	uint32_t target;      /* slot */
	uint64_t incarnation; /* of the target */
	uint64_t nonce;
	uint64_t generation; /* UNSEAL: of the target's VM list that is settled;
			      * it means nothing to another one. Else 0 */
};

struct ha_order_ack {
	uint32_t sender; /* slot whose order it was */
	uint64_t nonce;
	int32_t result; /* 0 done or being done, negative errno refused */
};

struct ha_beat {
	uint32_t slot;
	char host[HA_HOST_NAME];
	struct ha_uuid boot_id; /* the kernel's */
	uint64_t incarnation;   /* 0 only when UNCLAIMED (SAFETY 1.4) */
	uint64_t sequence;      /* grows with each beat of the incarnation */
	enum ha_beat_state state;
	uint32_t flags; /* HA_BEAT_* */
	enum ha_evidence_kind_disk {
		HA_BEAT_EVIDENCE_NONE,
		HA_BEAT_EVIDENCE_STORAGE,
		HA_BEAT_EVIDENCE_RING,
		HA_BEAT_EVIDENCE_LONE
	} evidence;
	uint64_t list_generation; /* 0: no list written yet */
	uint32_t list_copy;       /* 0 or 1: which copy holds it */
	uint32_t list_count;
	uint64_t hold_generation;
	uint32_t hold_copy;
	uint32_t hold_count;
	uint64_t ring_seq;    /* membership the host is in, 0: none */
	uint64_t members[4];  /* struct ha_hostset of it, by slot */
	uint64_t term;        /* of the master that the host obeys */
	uint32_t stores_ok;   /* heartbeat datastores that it reads and writes:
			       * election */
	uint32_t stores_seen; /* VM datastores connected; 0: not counted */
	uint32_t watchdog_ms; /* W as the device confirmed it */
	uint32_t program;     /* version of the daemon, (major << 16) | minor */
	uint32_t orders_count;
	struct ha_order orders[HA_ORDERS_MAX];
	uint32_t acks_count;
	struct ha_order_ack acks[HA_ORDERS_MAX];
};

/* Words for people and JSON; "?" for what no beat says. */
const char *ha_beat_state_name(enum ha_beat_state state);
const char *ha_beat_evidence_name(const struct ha_beat *beat);

void ha_beat_encode(const struct ha_superblock *sb, const struct ha_beat *beat,
		    void *ret_block);
enum ha_block_verdict ha_beat_decode(const struct ha_superblock *sb,
				     uint32_t slot, const void *block,
				     struct ha_beat *ret_beat);
/* The same block as core/watch wants it; beat is valid when verdict is OK. */
void ha_beat_glimpse(enum ha_block_verdict verdict, const struct ha_beat *beat,
		     const void *block, struct ha_glimpse *ret_glimpse);

/* ---- VM list ----------------------------------------------------------- */

enum ha_listed_state {
	HA_LISTED_STARTING,
	HA_LISTED_RUNNING,
	HA_LISTED_INCOMING,
	HA_LISTED_OUTGOING,
	HA_LISTED_RELEASED,
	HA_LISTED_N
};
const char *ha_listed_state_name(enum ha_listed_state state);

struct ha_listed_vm {
	struct ha_uuid uuid;
	char resource[HA_RESOURCE_NAME]; /* never empty */
	enum ha_listed_state state;
	uint64_t since_generation; /* list generation of its last change, not
				    * above that of the list */
};

struct ha_vm_list {
	uint32_t slot;
	uint64_t incarnation;
	uint64_t generation;
	uint32_t count;
	struct ha_listed_vm *vms; /* the caller's array of sb->vms entries; a
				   * uuid stands in it once */
};

/* Blocks that a list of `count` entries fills, the rest of the copy stays
 * as it is. */
uint32_t ha_vm_list_blocks(uint32_t count);
/* Encodes into ha_vm_list_blocks(list->count) blocks. */
void ha_vm_list_encode(const struct ha_superblock *sb,
		       const struct ha_vm_list *list, uint32_t copy,
		       void *ret_blocks);
/* `blocks` of them were read. Exactly `incarnation` and `generation` are
 * wanted (SAFETY 14): others are HA_BLOCK_STALE; both 0 accepts any.
 * ret_list->vms must have room for sb->vms. */
enum ha_block_verdict
ha_vm_list_decode(const struct ha_superblock *sb, uint32_t slot, uint32_t copy,
		  const void *blocks, uint32_t n_blocks, uint64_t incarnation,
		  uint64_t generation, struct ha_vm_list *ret_list);

/* ---- holds (SAFETY 17, 19, 23) ------------------------------------------- */

enum ha_hold_kind {
	HA_HOLD_OWNER,  /* safety, never expires */
	HA_HOLD_POLICY, /* wave, retry, admission: has a deadline */
	HA_HOLD_LIFTED, /* by the master: ends every hold of this VM with the
			 * same owner and incarnation up to owner_generation */
	HA_HOLD_CONFIRMED_DEAD, /* an administrator's word that this incarnation
				 * of `owner` is dead; owner_generation is the
				 * sequence of its newest beat then: one that
				 * beats on is not. No VM in it */
	HA_HOLD_RELEASED, /* by the master, for a host that can't write: the VM
			   * ended there, no entry of it up to
			   * owner_generation is in force (ha/release.h) */
};
struct ha_hold {
	struct ha_uuid uuid; /* all zero: only the resource is known */
	char resource[HA_RESOURCE_NAME];
	enum ha_hold_kind kind;
	uint32_t owner; /* slot */
	uint64_t owner_incarnation;
	uint64_t owner_generation; /* of the owner's list when it was placed */
	uint64_t term;
	uint32_t reason;
	uint32_t left_ms; /* POLICY: what was left when it was written */
};
struct ha_hold_list {
	uint32_t slot;
	uint64_t incarnation;
	uint64_t generation;
	uint32_t count;
	struct ha_hold *holds; /* the caller's array of sb->vms entries */
};
uint32_t ha_hold_list_blocks(uint32_t count);
void ha_hold_list_encode(const struct ha_superblock *sb,
			 const struct ha_hold_list *list, uint32_t copy,
			 void *ret_blocks);
enum ha_block_verdict ha_hold_list_decode(const struct ha_superblock *sb,
					  uint32_t slot, uint32_t copy,
					  const void *blocks, uint32_t n_blocks,
					  uint64_t incarnation,
					  uint64_t generation,
					  struct ha_hold_list *ret_list);

/* ---- protected list (SAFETY 24) ------------------------------------------ */

/* What the master has promised: VMs that a failure restarts, and those that
 * their user has powered off, which stay down. It outlives a full power loss,
 * which Pacemaker's tickets do not. */
enum ha_protected_state {
	HA_PROTECTED_ON,
	HA_PROTECTED_OFF,
	HA_PROTECTED_N
};
const char *ha_protected_state_name(enum ha_protected_state state);

struct ha_protected_vm {
	struct ha_uuid uuid; /* all zero: the configuration names none */
	char resource[HA_RESOURCE_NAME]; /* never empty, stands in it once */
	enum ha_protected_state state;
	uint32_t order; /* its restart priority then; shown, decides nothing */
};

/* Of two lists the one with the higher term, then generation, counts. */
struct ha_protected_list {
	uint32_t slot;       /* of the master that wrote it */
	uint64_t term;       /* of that master, never 0 */
	uint64_t generation; /* grows with each write of its term */
	uint32_t count;
	struct ha_protected_vm *vms; /* the caller's array */
};
uint32_t ha_protected_list_blocks(uint32_t count);
/* Encodes into ha_protected_list_blocks(list->count) blocks. */
void ha_protected_list_encode(const struct ha_superblock *sb,
			      const struct ha_protected_list *list,
			      uint32_t copy, void *ret_blocks);
/* The first block of a copy: which list is it, and how many blocks has it?
 * vms of ret_list is left alone. The others may still be torn. */
enum ha_block_verdict
ha_protected_list_peek(const struct ha_superblock *sb, uint32_t copy,
		       const void *block, struct ha_protected_list *ret_list);
/* `n_blocks` of them were read; ret_list->vms has `room`. A list of more than
 * that is HA_BLOCK_INVALID: it may have grown since it was peeked at. */
enum ha_block_verdict
ha_protected_list_decode(const struct ha_superblock *sb, uint32_t copy,
			 const void *blocks, uint32_t n_blocks, uint32_t room,
			 struct ha_protected_list *ret_list);

#endif
