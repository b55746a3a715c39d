/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the heartbeats offer each other; read through sim.h, whose
 * world they all work on. Nothing here reads what is true but check.c.
 */
#ifndef VMHA_SIM_CALLS_H
#define VMHA_SIM_CALLS_H

#include "sim.h"

/* cluster.c */
void plan_cluster(struct world *w);

/* plan.c */
void plan_draw(struct world *w);

/* faults.c */
void fault_begin(struct world *w, uint32_t index);
void fault_end(struct world *w, uint32_t index);
void host_power_on(struct world *w, uint32_t host);
void host_power_off(struct world *w, uint32_t host, const char *why);
void host_reset(struct world *w, uint32_t host, const char *why);

/* disk.c */
/* The slot for the next write; what was under way is settled. */
struct disk_write *disk_write_prepare(struct world *w, uint32_t host,
				      uint32_t store);
void disk_write_submit(struct world *w, uint32_t host, uint32_t store);
void disk_write_apply(struct world *w, uint32_t host, uint32_t store,
		      uint32_t id);
void disk_host_gone(struct world *w, uint32_t host);
void disk_read_submit(struct world *w, uint32_t host, uint32_t store);
void disk_read_sample(struct world *w, uint32_t host, uint32_t store,
		      uint32_t id);
void disk_list_submit(struct world *w, uint32_t host, uint32_t store,
		      uint32_t about);
void disk_list_sample(struct world *w, uint32_t host, uint32_t store,
		      uint32_t id);

/* daemon.c: life of the daemon */
void daemon_start(struct world *w, uint32_t host);
void daemon_end(struct world *w, uint32_t host, const char *why);
void daemon_armed(struct world *w, uint32_t host);
void daemon_progress(struct world *w, uint32_t host);
void daemon_vm(struct world *w, uint32_t host, uint32_t is_close);
void daemon_stop(struct world *w, uint32_t host, bool takes_corosync);
void daemon_close(struct world *w, uint32_t host);

/* store.c: a store thread */
void store_tick(struct world *w, uint32_t host, uint32_t store);
void store_kick(struct world *w, uint32_t host);
void store_write_now(struct world *w, uint32_t host, uint32_t store);
void store_write_done(struct world *w, uint32_t host, uint32_t store,
		      uint32_t id, bool was_stalled);
void store_read_now(struct world *w, uint32_t host, uint32_t store);

/* seen.c: what a completed read means */
void store_read_done(struct world *w, uint32_t host, uint32_t store,
		     uint32_t id, bool was_stalled);
void store_list_done(struct world *w, uint32_t host, uint32_t store,
		     uint32_t id);
/* When were the newest beats of it read that are enough? False: too few. */
bool seen_since(const struct world *w, const struct daemon *d, uint32_t about,
		uint64_t *ret_since_us);
void seen_glimpse(struct world *w, uint32_t host, uint32_t store,
		  uint32_t about, const struct block *block,
		  uint64_t submitted_ms, uint64_t completed_ms);

/* pet.c */
void pet_wake(struct world *w, uint32_t host);
void pet_run(struct world *w, uint32_t host, enum pet_stage stage);
void pet_open_blind(struct world *w, uint32_t host);
void pet_deadman(struct world *w, uint32_t host, uint32_t id);
void pet_watchdog(struct world *w, uint32_t host);

/* net.c: corosync */
void net_changed(struct world *w);
void net_form(struct world *w);
void net_send(struct world *w, uint32_t host, uint32_t message);
void net_pump(struct world *w, uint32_t host);
uint32_t net_message(struct world *w);
void net_join(struct world *w, uint32_t host);
void net_push(struct world *w, uint32_t host, const struct delivery *d);
bool net_is_stuck(const struct world *w, uint32_t host);
void net_still(struct world *w, uint32_t host, uint64_t until_us);
void net_resume(struct world *w, uint32_t host);

/* members.c: the daemon's ring thread */
void ring_tick(struct world *w, uint32_t host);
void ring_take(struct world *w, uint32_t host);
void ring_send(struct world *w, uint32_t host, uint32_t message);
void ring_publish(struct world *w, uint32_t host);
void ring_look(struct world *w, uint32_t host);
enum ha_ring_silence ring_silence(struct world *w, uint32_t host,
				  uint32_t about, uint64_t *ret_due_ms);

/* observe.c: verdicts */
void observe_all(struct world *w, uint32_t host);
struct ha_watch_verdict observe_judge(struct world *w, uint32_t host,
				      uint32_t about, uint32_t incarnation);
bool observe_is_away(struct world *w, uint32_t host, uint32_t about);
void observe_session(struct world *w, uint32_t host, uint32_t about,
		     bool was_member);

/* check.c: the invariants */
void check_dead(struct world *w, uint32_t host, uint32_t about,
		uint32_t incarnation, enum ha_proof proof, const char *how);
void check_reset(struct world *w, uint32_t host, const char *why);
void check_claim(struct world *w, uint32_t host);
void check_flush(struct world *w, uint32_t host);
void check_list(struct world *w, uint32_t host, uint32_t about,
		const struct list_copy *list, uint64_t since_us);
void check_alive_end(struct world *w, uint32_t host);
void check_fail(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
