/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain: slots by where the plan sends a VM, and VMs that no host
 * has room for: since when, and when failures that bar them are cleared. The
 * decision about slots is tested in restart_test.c.
 */
#include "waits_scene.h"

#define STANDBY                                                    \
	"<instance_attributes><nvpair name='standby' value='on'/>" \
	"</instance_attributes>"
#define MEMORY(value)                                               \
	"<utilization><nvpair name='memory_mb' value='" value "'/>" \
	"</utilization>"
/* No start: Pacemaker keeps it for ever, and the VM off that host. */
#define BARRED OP("x_last_failure_0", "monitor", "8", "1", "4") OFF

/* It runs on h2, and goes to that host when h2 dies. */
#define PLANNED(name, host)                                            \
	{                                                              \
		.id = (name), .ticket = 1, .at = "h2", .past = UP,     \
		.listed_at = "h2", .listed = "running", .plan = (host) \
	}

static uint32_t
target(const struct scene *s, guint index)
{
	return g_array_index(s->restart->vms, struct ha_restart_vm, index)
		.target;
}

/* ---- slots ------------------------------------------------------------------- */

static void
slots_of_a_host(void **state)
{
	struct scene s = { .policy = PAIR("restart_concurrent", "2"),
			   .vms = { PLANNED("a", "h3"), PLANNED("b", "h3"),
				    PLANNED("c", "h3"), PLANNED("d", "h1"),
				    PLANNED("e", NULL), PLANNED("f", NULL) } };

	(void)state;
	look(&s, T0);
	assert_int_equal(target(&s, 0), 3);
	assert_int_equal(target(&s, 3), 1);
	assert_int_equal(target(&s, 4), HA_RESTART_NO_TARGET);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "a", 1);
	assert_granted(&s, "b", 1);
	assert_waits(&s, "c", HA_RESTART_WAITS_SLOT);
	assert_text(&s, "c", T0 + 1000,
		    "waits for a free slot on h3: 2 VMs are being started "
		    "there");
	assert_granted(&s, "d", 1);
	assert_granted(&s, "e", 1);
	/* Two live hosts: four in all. */
	assert_waits(&s, "f", HA_RESTART_WAITS_SLOT);
	assert_text(&s, "f", T0 + 1000, "2 for each live host");
	s.vms[2].ticket = s.vms[5].ticket = 0;
	s.vms[0].attempt = s.vms[1].attempt = 1;
	s.vms[3].attempt = s.vms[4].attempt = 1;
	comes_up(&s.vms[3]);
	look(&s, T0 + 2000);
	assert_waits(&s, "c", HA_RESTART_WAITS_SLOT);
	assert_granted(&s, "f", 1);
	comes_up(&s.vms[0]);
	look(&s, T0 + 3000);
	assert_granted(&s, "c", 1);
	end(&s);
}

/* Half of them are given together. */
static void
half_of_a_hosts_slots(void **state)
{
	struct scene s = { .policy = PAIR("restart_concurrent", "4"),
			   .vms = { PLANNED("a", "h3"), PLANNED("b", "h3"),
				    PLANNED("c", "h3"), PLANNED("d", "h3"),
				    PLANNED("e", "h3"), PLANNED("f", "h3") } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	for (size_t i = 0; i < 4; i++) {
		s.vms[i].attempt = 1;
	}
	s.vms[4].ticket = s.vms[5].ticket = 0;
	comes_up(&s.vms[0]);
	look(&s, T0 + 2000);
	assert_waits(&s, "e", HA_RESTART_WAITS_SLOT);
	assert_text(&s, "e", T0 + 2000,
		    "on h3: 3 VMs are being started there; the next ones go "
		    "together, when 2 of its 4 slots are free");
	comes_up(&s.vms[1]);
	look(&s, T0 + 3000);
	assert_granted(&s, "e", 1);
	assert_granted(&s, "f", 1);
	end(&s);
}

/* Nothing starts on a host that is dead, stopped or in standby. */
static void
a_host_that_starts_nothing_is_no_target(void **state)
{
	struct scene s = { .policy = PAIR("restart_concurrent", "1"),
			   .vms = { PLANNED("a", "h2"), PLANNED("b", "h3"),
				    PLANNED("c", "h9"), PLANNED("d", "h1") } };

	(void)state;
	look(&s, T0);
	assert_int_equal(target(&s, 0), 2);
	assert_int_equal(target(&s, 1), 3);
	assert_int_equal(target(&s, 2), HA_RESTART_NO_TARGET);
	s.nodes[2] = STANDBY;
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_int_equal(target(&s, 0), HA_RESTART_NO_TARGET);
	assert_int_equal(target(&s, 1), HA_RESTART_NO_TARGET);
	assert_int_equal(target(&s, 3), 1);
	end(&s);
}

/* ---- no room ------------------------------------------------------------------- */

static void
pending(void **state)
{
	struct scene s = { .vms = { PLANNED("a", NULL) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_int_equal(fdm_room_pending_ms(s.restart, s.facts, 0), 0);
	look(&s, T0 + 1000 + FDM_NO_ROOM_MS - 1);
	assert_int_equal(fdm_room_pending_ms(s.restart, s.facts, 0), 0);
	look(&s, T0 + 1000 + FDM_NO_ROOM_MS);
	assert_int_equal(fdm_room_pending_ms(s.restart, s.facts, 0), T0 + 1000);
	assert_int_equal(fdm_room_pending_ms(s.restart, s.facts, 1), 0);
	assert_text(&s, "a", T0, "starts it nowhere");
	/* So that Pacemaker starts it by itself. */
	assert_granted(&s, "a", 0);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 60000);
	assert_int_equal(fdm_room_pending_ms(s.restart, s.facts, 0), T0 + 1000);
	s.vms[0].at = "h3";
	s.vms[0].past = STARTS;
	look(&s, T0 + 61000);
	assert_int_equal(fdm_room_pending_ms(s.restart, s.facts, 0), 0);
	end(&s);
}

/* a has no room, and a failure on h1 bars it there. */
static uint64_t
begin_barred(struct scene *s)
{
	uint64_t now_ms = T0 + 1000 + FDM_NO_ROOM_MS;

	s->vms[0] = (struct vm){ .id = "a",
				 .ticket = 1,
				 .past = BARRED,
				 .listed_at = "h2",
				 .listed = "running" };
	s->vms[1] = (struct vm)PLANNED("b", NULL);
	comes_up(&s->vms[1]);
	look(s, T0);
	h2_dies(s);
	look(s, T0 + 1000);
	assert_false(row(s, "a")->wants_cleanup);
	look(s, now_ms);
	assert_true(row(s, "a")->wants_cleanup);
	/* It has come back at once, and nothing has changed. */
	look(s, now_ms + FDM_CLEANUP_MS - 1);
	assert_true(row(s, "a")->wants_cleanup);
	now_ms += FDM_CLEANUP_MS;
	look(s, now_ms);
	assert_false(row(s, "a")->wants_cleanup);
	assert_false(row(s, "b")->wants_cleanup);
	return now_ms + FDM_CLEANUP_MS;
}

#define assert_tried_again(s, now_ms)                     \
	do {                                              \
		look(s, now_ms);                          \
		assert_true(row(s, "a")->wants_cleanup);  \
		assert_granted(s, "a", 0);                \
		look(s, (now_ms) + FDM_CLEANUP_MS);       \
		assert_false(row(s, "a")->wants_cleanup); \
		(now_ms) += 2 * (uint64_t)FDM_CLEANUP_MS; \
	} while (0)

static void
more_room(void **state)
{
	struct scene s = { .vms = { { .id = NULL } } };
	uint64_t now_ms = begin_barred(&s);

	(void)state;
	/* utilization of a node, and of a VM */
	s.nodes[0] = MEMORY("4096");
	assert_tried_again(&s, now_ms);
	s.nodes[0] = MEMORY("8192");
	assert_tried_again(&s, now_ms);
	s.vms[1].memory_mb = "512";
	assert_tried_again(&s, now_ms);
	/* a VM stops */
	s.vms[1] = (struct vm){ .id = "b",
				.role = "Stopped",
				.ticket = 1,
				.at = "h3",
				.past = OFF,
				.memory_mb = "512" };
	assert_tried_again(&s, now_ms);
	/* a host goes, and comes */
	s.nodes[2] = STANDBY;
	look(&s, now_ms);
	assert_false(row(&s, "a")->wants_cleanup);
	s.nodes[2] = NULL;
	assert_tried_again(&s, now_ms);
	/* Nothing bars it any more. */
	s.vms[0].past = OFF;
	s.nodes[0] = NULL;
	look(&s, now_ms);
	assert_false(row(&s, "a")->wants_cleanup);
	assert_int_not_equal(fdm_room_pending_ms(s.restart, s.facts, 0), 0);
	end(&s);
}

/* Its failure stands on a host that takes nothing: it bars it nowhere. */
static void
failures_elsewhere(void **state)
{
	struct scene s = { .nodes = { STANDBY } };

	(void)state;
	s.vms[0] = (struct vm)PLANNED("a", NULL);
	look(&s, T0);
	h2_dies(&s);
	s.vms[0] = (struct vm){ .id = "a", .ticket = 1, .past = BARRED };
	look(&s, T0 + 1000);
	look(&s, T0 + 1000 + FDM_NO_ROOM_MS);
	assert_int_not_equal(fdm_room_pending_ms(s.restart, s.facts, 0), 0);
	assert_false(row(&s, "a")->wants_cleanup);
	s.nodes[0] = NULL;
	look(&s, T0 + 20000);
	assert_true(row(&s, "a")->wants_cleanup);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_of_a_host),
		cmocka_unit_test(half_of_a_hosts_slots),
		cmocka_unit_test(a_host_that_starts_nothing_is_no_target),
		cmocka_unit_test(pending),
		cmocka_unit_test(more_room),
		cmocka_unit_test(failures_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
