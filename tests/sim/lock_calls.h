/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the lock offer each other and the heartbeats' own files;
 * read through sim.h, whose world they all work on. Nothing here reads what
 * is true but lock_check.c.
 */
#ifndef VMHA_SIM_LOCK_CALLS_H
#define VMHA_SIM_LOCK_CALLS_H

#include "sim.h"

/* keep.c: own lists, and those of others */
void keep_changed(struct world *w, uint32_t host);
uint32_t keep_count(const struct daemon *d);
bool keep_add_hold(struct world *w, uint32_t host, const struct hold *hold);
void keep_collect(struct world *w, uint32_t host);
/* All effective holds of all hosts; false: some hold list is not here. */
struct union_hold {
	struct ha_ticket_hold hold;
	uint8_t vm;
};
#define UNION_HOLDS (LOCK_HOLDS * (SIM_HOSTS + 1))
bool keep_union(struct world *w, uint32_t host, uint64_t since_ms, uint32_t vm,
		struct ha_ticket_hold *ret_holds, uint32_t *ret_count);
bool keep_is_fresh(const struct world *w, uint32_t host, uint32_t about,
		   uint64_t since_ms);
bool keep_has_list(const struct world *w, uint32_t host, uint32_t about);
bool keep_all_told(const struct world *w, uint32_t host);
bool keep_has_holds(const struct world *w, uint32_t host, uint32_t about);
bool keep_read_back(struct world *w, uint32_t host);
/* Is the newest incarnation of `about` proven gone, on reads since then? */
bool keep_is_gone(struct world *w, uint32_t host, uint32_t about,
		  uint64_t since_ms);

/* sealing.c */
void seal_look(struct world *w, uint32_t host);
void seal_settle(struct world *w, uint32_t host);
bool seal_is_quorate(const struct world *w, uint32_t host);
void seal_rival(struct world *w, uint32_t host, struct ha_rival *ret_rival);
bool seal_may_act(struct world *w, uint32_t host);
bool seal_is_confirmed(struct world *w, uint32_t host, uint64_t since_ms);
void seal_orders(struct world *w, uint32_t host, const struct block *blocks);

/* announce.c */
bool announce_put(struct world *w, uint32_t host, uint32_t vm, uint8_t entry,
		  uint64_t patience_ms);
bool announce_withdraw(struct world *w, uint32_t host, uint32_t vm,
		       uint64_t patience_ms);
void announce_look(struct world *w, uint32_t host);

/* release.c */
void release_tell(struct world *w, uint32_t host, uint32_t vm);
void release_take(struct world *w, uint32_t host, const struct release *r);
/* The entry of a host's list as it is in force. */
uint8_t release_entry(const struct world *w, uint32_t host, uint32_t about,
		      uint8_t entry, const struct ha_ticket_hold *holds,
		      uint32_t count);
bool release_is_spent(struct world *w, uint32_t host, const struct hold *one);

/* agent.c, migrate.c */
void agent_begin(struct world *w, uint32_t host, uint32_t vm, enum task task,
		 uint32_t peer);
void agent_run(struct world *w, uint32_t host, uint32_t vm, uint32_t agent);
void agent_answer(struct world *w, uint32_t host, uint32_t vm, bool is_ok);
void agent_die(struct world *w, uint32_t host, uint32_t vm);
void agent_end(struct world *w, uint32_t host, uint32_t vm, enum record record);
void agent_later(struct world *w, uint32_t host, uint32_t vm,
		 uint64_t delay_us);
void qemu_create(struct world *w, uint32_t host, uint32_t vm, uint32_t request);
void qemu_end(struct world *w, uint32_t host, uint32_t vm, const char *why);
void migrate_begin(struct world *w, uint32_t host, uint32_t vm);
void migrate_go_on(struct world *w, uint32_t host, uint32_t vm, uint32_t job);
void migrate_end_of(struct world *w, uint32_t host, uint32_t vm);
bool migrate_is_clear(struct world *w, uint32_t host, uint32_t vm);

/* master.c, place.c, respond.c: the fault domain manager */
void fdm_turn(struct world *w, uint32_t host);
void master_turn(struct world *w, uint32_t host);
void master_write(struct world *w, uint32_t host);
void lost_ask(struct world *w, uint32_t host);
bool master_is_there(const struct world *w, uint32_t host);
void place_look(struct world *w, uint32_t host, uint32_t about);
void respond_turn(struct world *w, uint32_t host);

/* pcmk.c, cib.c */
void pcmk_start(struct world *w, uint32_t host);
void pcmk_exit(struct world *w, uint32_t host, const char *why);
void pcmk_meet(struct world *w, uint32_t seq);
void pcmk_hear(struct world *w, uint32_t host);
void pcmk_act(struct world *w, uint32_t host, uint32_t vm, uint32_t arg);
void pcmk_report(struct world *w, uint32_t host, uint32_t vm);
void pcmk_turn(struct world *w, uint32_t host);
void pcmk_fenced(struct world *w, uint32_t host, uint32_t about,
		 bool is_success);
void pcmk_answer(struct world *w, uint32_t host, uint32_t about,
		 bool is_success);
void graph_compute(struct world *w, uint32_t host);
void graph_go(struct world *w, uint32_t host);
struct cib *cib_begin(struct world *w, uint32_t host);
void cib_commit(struct world *w, uint32_t host);
void cib_spread(struct world *w, uint32_t host);

/* lock.c: events, life with the host */
void lock_event(struct world *w, const struct event *e);
void lock_push(struct world *w, enum event_kind kind, uint32_t host,
	       uint32_t vm, uint32_t arg, uint64_t delay_us);
void lock_power_off(struct world *w, uint32_t host);
void lock_power_on(struct world *w, uint32_t host);
void lock_serves(struct world *w, uint32_t host);
/* What people do: 0 anything; else one of these, of any VM. */
#define ADMIN_CRASH 1u
#define ADMIN_MOVE 2u
#define ADMIN_ROLE 3u
#define ADMIN_MANAGER 4u /* the master's dies */
#define ADMIN_SET_BACK 5u
#define ADMIN_KINDS 255u
#define ADMIN_VM(vm) (((vm) + 1u) << 16)
void lock_admin(struct world *w, uint32_t arg);
/* Who is meant by AT_DC and the like. */
void lock_aim(struct world *w, struct fault *f);
void lock_tick(struct world *w, uint32_t host);

/* lock_plan.c */
struct lock_draft {
	struct world *w;
	uint64_t b_us, t_us;
	uint64_t from_us; /* everybody serves by then */
	uint64_t last_us; /* end of the last fault */
};
/* The fault, for what is left to say of it; never NULL. */
struct fault *lock_fault(struct lock_draft *p, enum fault_kind kind,
			 uint32_t host, uint8_t mask, uint64_t at_us,
			 uint64_t length_us);
void lock_draw(struct world *w);

/* aimed.c: schedules that aim at one rule each */
enum aim {
	AIM_NONE,
	AIM_HIDDEN_CLAIMS,
	AIM_TWO_SIDES,
	AIM_STILL_MASTER,
	AIM_MINORITY_MOVE,
	AIM_READ_BACK,
	AIM_SLOW_START,
	AIM_NEW_MASTER,
	AIM_SEALED_TWICE,
	AIM_HIDDEN_LIFE,
	AIM_HOLDER,
	AIM_N,
	AIM_RELEASED = AIM_N, /* of seeds of its own */
	AIM_RESTART,
	AIM_OLD_WORD,
	AIM_STALE_FENCE,
	AIM_THIRD_END,
	AIM_KEEP_BACK,
	AIM_ALL
};
enum aim aimed_at(uint64_t seed);
void aimed_cluster(struct world *w);
void aimed_plan(struct lock_draft *p);
void lock_init(struct world *w);

/* lock_check.c */
void check_vm(struct world *w, uint32_t vm);
void check_entry(struct world *w, uint32_t host, uint32_t vm);
void check_ends(struct world *w, uint32_t host, uint32_t vm);
void check_told(struct world *w, uint32_t host, uint32_t vm);
void check_held(struct world *w, uint32_t host, uint32_t about);
void check_hold_flushed(struct world *w, uint32_t host);
void check_lift(struct world *w, uint32_t host, const struct hold *lift);
void check_holds(struct world *w, uint32_t host, uint32_t vm,
		 const struct ha_ticket_hold *holds, uint32_t count,
		 uint64_t since_us);
void check_not_held(struct world *w, uint32_t host, uint32_t vm,
		    uint64_t since_us);
void check_term(struct world *w, uint32_t host, uint32_t term);
void check_grant(struct world *w, uint32_t host, uint32_t vm,
		 const struct ha_ticket_host *hosts,
		 const struct ha_ticket_hold *holds, uint32_t count);
void check_unsealed(struct world *w, uint32_t host);
void check_well(struct world *w);

#endif
