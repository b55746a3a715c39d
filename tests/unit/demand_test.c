/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a virtual machine takes: which of several reservations holds, and
 * QEMU's overhead, to the MiB.
 */
#include <string.h>

#include "unit.h"

#include "ha/demand.h"

#define THERE(v)                               \
	{                                      \
		.is_there = true, .value = (v) \
	}

static struct ha_demand
judge(const struct ha_demand_facts *facts)
{
	struct ha_demand demand;

	memset(&demand, 0x5a, sizeof(demand));
	ha_demand_judge(facts, &demand);
	return demand;
}

static void
nothing_reserved(void **state)
{
	const struct ha_demand_facts facts = { .shape = NULL };
	struct ha_demand demand = judge(&facts);

	(void)state;
	assert_int_equal(demand.cpu_mhz, 0);
	assert_int_equal(demand.memory_mb, 0);
	assert_int_equal(demand.cpu_source, HA_DEMAND_NONE);
	assert_int_equal(demand.memory_source, HA_DEMAND_NONE);
	/* 30 + 8 + 16 */
	assert_int_equal(demand.overhead_mb, 54);
}

static void
order_of_sources(void **state)
{
	struct ha_demand_shape shape = { .memory_mb = 4096,
					 .guarantee_mb = 512,
					 .vcpus = 2 };
	struct ha_demand_facts facts = { .shape = &shape };

	(void)state;
	assert_int_equal(judge(&facts).memory_mb, 512);
	assert_int_equal(judge(&facts).memory_source, HA_DEMAND_GUARANTEE);
	facts.memory_mb = (struct ha_demand_value)THERE(1024);
	facts.cpu_mhz = (struct ha_demand_value)THERE(2000);
	assert_int_equal(judge(&facts).memory_mb, 1024);
	assert_int_equal(judge(&facts).memory_source, HA_DEMAND_UTILIZATION);
	assert_int_equal(judge(&facts).cpu_mhz, 2000);
	/* Somebody's 0 is an answer. */
	facts.memory_mb = (struct ha_demand_value)THERE(0);
	assert_int_equal(judge(&facts).memory_mb, 0);
	assert_int_equal(judge(&facts).memory_source, HA_DEMAND_UTILIZATION);
	facts.admitted_memory_mb = (struct ha_demand_value)THERE(2048);
	facts.admitted_cpu_mhz = (struct ha_demand_value)THERE(100);
	assert_int_equal(judge(&facts).memory_mb, 2048);
	assert_int_equal(judge(&facts).memory_source, HA_DEMAND_TICKET);
	assert_int_equal(judge(&facts).cpu_mhz, 100);
	assert_int_equal(judge(&facts).cpu_source, HA_DEMAND_TICKET);
}

static void
pinned_is_all_of_it(void **state)
{
	struct ha_demand_shape shape = { .memory_mb = 4096, .is_pinned = true };
	struct ha_demand_facts facts = { .shape = &shape,
					 .memory_mb = THERE(4095) };

	(void)state;
	assert_int_equal(judge(&facts).memory_mb, 4096);
	assert_int_equal(judge(&facts).memory_source, HA_DEMAND_PINNED);
	facts.memory_mb.value = 4096;
	assert_int_equal(judge(&facts).memory_source, HA_DEMAND_UTILIZATION);
	facts.memory_mb.value = 5000;
	assert_int_equal(judge(&facts).memory_mb, 5000);
	facts.admitted_memory_mb = (struct ha_demand_value)THERE(1);
	assert_int_equal(judge(&facts).memory_mb, 4096);
}

static void
overhead(void **state)
{
	struct ha_demand_shape shape = { .memory_mb = 0 };

	(void)state;
	assert_int_equal(ha_demand_overhead_mb(&shape), 38);
	shape.vcpus = 1;
	assert_int_equal(ha_demand_overhead_mb(&shape), 38);
	shape.memory_mb = 1;
	assert_int_equal(ha_demand_overhead_mb(&shape), 39);
	shape.memory_mb = 512;
	assert_int_equal(ha_demand_overhead_mb(&shape), 39);
	shape.memory_mb = 513;
	assert_int_equal(ha_demand_overhead_mb(&shape), 40);
	shape = (struct ha_demand_shape){
		.memory_mb = 65536, .vcpus = 16, .iothreads = 2, .video_mb = 16
	};
	/* 30 + 128 + 16 + 16 + 128 */
	assert_int_equal(ha_demand_overhead_mb(&shape), 318);
	shape.video_mb = UINT64_MAX;
	assert_true(ha_demand_overhead_mb(&shape) == UINT64_MAX);
}

/* Its memory is known from the CIB at least. */
static void
no_xml(void **state)
{
	const struct ha_demand_facts facts = { .memory_mb = THERE(10240) };

	(void)state;
	assert_int_equal(judge(&facts).overhead_mb, 54 + 20);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(ha_demand_source_name(HA_DEMAND_NONE), "none");
	assert_string_equal(ha_demand_source_name(HA_DEMAND_TICKET), "ticket");
	assert_string_equal(ha_demand_source_name(HA_DEMAND_UTILIZATION),
			    "utilization");
	assert_string_equal(ha_demand_source_name(HA_DEMAND_GUARANTEE),
			    "min_guarantee");
	assert_string_equal(ha_demand_source_name(HA_DEMAND_PINNED), "pinned");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_reserved),
		cmocka_unit_test(order_of_sources),
		cmocka_unit_test(pinned_is_all_of_it),
		cmocka_unit_test(overhead),
		cmocka_unit_test(no_xml),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
