/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/stock: the cluster that admission control judges, from a
 * CIB and from what this host knows of the others.
 */
#include "fakes.h"
#include "inventory.h"

#include <unistd.h>

#include "FaultDomain/fdm.h"

#define T0 100000u
#define HOSTS                               \
	HOST("1", CAPACITY("9000", "9216")) \
	HOST("2", CAPACITY("9000", "6144")) \
	HOST("3", CAPACITY("6000", "6144"))
#define GATE(id)                                                 \
	"<rsc_ticket id='g" id "' rsc='" id "' ticket='vmha-" id \
	"' loss-policy='freeze'/>"
#define TICKET(id, more) "<ticket_state id='vmha-" id "' " more "/>"
#define PLANNED(id, node)                                              \
	"<rsc_location id='vmha-plan-" id "' rsc='" id "' node='" node \
	"' score='1'/>"
#define FDM(more)                                               \
	"<primitive id='fdm' class='ocf' provider='vmha' "      \
	"type='FaultDomain'><instance_attributes id='fi'>" more \
	"</instance_attributes></primitive>"
#define NV(name, value) \
	"<nvpair id='p" name "' name='" name "' value='" value "'/>"

static struct fdm fdm;
static struct fdm_snap snap;

static const struct fdm_stock *
look(const char *resources, const char *constraints, const char *tickets)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><nodes>" HOSTS "</nodes><resources>%s"
		"</resources><constraints>%s</constraints></configuration>"
		"<status>" UP3 "<tickets>%s</tickets></status></cib>",
		resources, constraints, tickets);

	fdm_stock_drop(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0));
	fdm.copies++;
	g_free(xml);
	return fdm_stock_get(&fdm, T0);
}

static int
begin(void **state)
{
	(void)state;
	fake_cluster_begin(&fdm, &snap, 3);
	fdm.protect->read_ms = 1;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	fake_cluster_end(&fdm);
	return 0;
}

static const struct ha_inv_vm *
vm_of(const struct fdm_stock *stock, const char *name)
{
	uint32_t index = fdm_stock_vm(stock, name);

	assert_int_not_equal(index, HA_INV_NONE);
	return &stock->inv.vms[index];
}

static void
it_is_made_once_for_a_copy(void **state)
{
	const struct fdm_stock *stock = look(VM("a", ""), "", "");
	uint64_t number = stock->number, same = stock->digest;

	(void)state;
	assert_true(stock->is_complete);
	assert_int_equal(fdm_stock_get(&fdm, T0)->number, number);
	fdm.copies++;
	assert_int_equal(fdm_stock_get(&fdm, T0)->number, number + 1);
	assert_true(fdm_stock_get(&fdm, T0)->digest == same);
	stock = look(VM("a", CAPACITY("100", "200")), "", "");
	assert_false(stock->digest == same);
	assert_int_equal(fdm_stock_vm(stock, "b"), HA_INV_NONE);
	assert_int_equal(fdm_stock_host(stock, "h3"), 2);
	assert_int_equal(fdm_stock_host(stock, "h4"), HA_INV_NONE);
}

static void
own_knowledge_makes_a_host_worse_and_never_better(void **state)
{
	const struct fdm_stock *stock = look(VM("a", ""), "", "");

	(void)state;
	assert_int_equal(stock->inv.hosts[1].state, HA_INV_ONLINE);
	g_array_index(snap.hosts, struct fdm_host, 1).is_sealed = true;
	stock = fdm_stock_get(&fdm, T0);
	assert_int_equal(stock->inv.hosts[1].state, HA_INV_ERROR);
	g_array_index(snap.hosts, struct fdm_host, 1).is_sealed = false;
	g_array_index(snap.hosts, struct fdm_host, 2).is_member = false;
	stock = fdm_stock_get(&fdm, T0);
	assert_int_equal(stock->inv.hosts[1].state, HA_INV_ONLINE);
	assert_int_equal(stock->inv.hosts[2].state, HA_INV_ERROR);
}

static void
what_is_to_be_restarted_is_on_where_it_was_planned(void **state)
{
	const struct fdm_stock *stock = look(
		VM("a", "") VM("b", "") VM("c", ""),
		GATE("a") GATE("b") GATE("c") PLANNED("a", "h2"),
		TICKET("a", "granted='true' vmha-state='granted' "
			    "vmha-cpu='500' vmha-memory='700'")
			TICKET("b", "granted='false' vmha-state='waiting' "
				    "vmha-reason='waits-for-admission'")
				TICKET("c", "granted='false' "
					    "vmha-state='waiting' "
					    "vmha-reason='waits-for-retry'"));

	(void)state;
	assert_true(vm_of(stock, "a")->is_on);
	assert_int_equal(vm_of(stock, "a")->host, 1);
	assert_int_equal(stock->demand[0].cpu_mhz, 500);
	assert_int_equal(stock->demand[0].memory_mb,
			 700 + vm_of(stock, "a")->overhead_mb);
	assert_false(vm_of(stock, "b")->is_on);
	assert_int_equal(stock->demand[1].cpu_mhz, 0);
	assert_true(vm_of(stock, "c")->is_on);
	assert_int_equal(vm_of(stock, "c")->host, HA_INV_NONE);
}

static void
where_it_was_admitted_counts_until_its_constraint_does(void **state)
{
	const char *granted =
		TICKET("a", "granted='true' vmha-state='granted'");
	const struct fdm_stock *stock;

	(void)state;
	fdm_stock_admit(fdm.stock, "a", "h3");
	stock = look(VM("a", ""), GATE("a"), granted);
	assert_int_equal(vm_of(stock, "a")->host, 2);
	stock = look(VM("a", ""), GATE("a") PLANNED("a", "h1"), granted);
	assert_int_equal(vm_of(stock, "a")->host, 0);
	fdm_stock_admit(fdm.stock, "a", NULL);
	stock = look(VM("a", ""), GATE("a"), granted);
	assert_int_equal(vm_of(stock, "a")->host, HA_INV_NONE);
}

static void
a_ticket_that_stands_keeps_the_room_of_what_is_stopped(void **state)
{
	const char *stopped = VM("a", META("target-role", "Stopped"));
	const struct fdm_stock *stock =
		look(stopped, GATE("a"),
		     TICKET("a", "granted='true' vmha-state='granted'"));

	(void)state;
	assert_true(vm_of(stock, "a")->is_on);
	stock = look(stopped, GATE("a"),
		     TICKET("a", "granted='false' vmha-state='off'"));
	assert_false(vm_of(stock, "a")->is_on);
	/* Its ticket was revoked by its stop: its start waits for its turn, and
	 * is not judged again. */
	stock = look(stopped, GATE("a"),
		     TICKET("a", "granted='false' vmha-state='waiting' "
				 "vmha-reason='waits-for-dependency'"));
	assert_true(vm_of(stock, "a")->is_on);
	stock = look(stopped, GATE("a"),
		     TICKET("a", "granted='false' vmha-state='waiting' "
				 "vmha-reason='waits-for-priority'"));
	assert_true(vm_of(stock, "a")->is_on);
	stock = look(stopped, GATE("a"),
		     TICKET("a", "granted='false' vmha-state='waiting' "
				 "vmha-reason='waits-for-admission'"));
	assert_false(vm_of(stock, "a")->is_on);
}

static void
a_vm_without_a_ticket_is_on_if_the_list_has_it(void **state)
{
	struct ha_protected_vm entry = { .resource = "a",
					 .state = HA_PROTECTED_ON };
	const struct fdm_stock *stock = look(VM("a", ""), GATE("a"), "");

	(void)state;
	assert_false(vm_of(stock, "a")->is_on);
	g_hash_table_insert(fdm.protect->disk.table, g_strdup("a"),
			    g_memdup2(&entry, sizeof(entry)));
	fdm.protect->disk.generation++;
	stock = fdm_stock_get(&fdm, T0);
	assert_true(vm_of(stock, "a")->is_on);
	/* Nobody is kept down by a list that can't be read. */
	g_hash_table_remove_all(fdm.protect->disk.table);
	fdm.protect->disk.generation++;
	fdm.protect->read_ms = 0;
	stock = look(VM("a", ""), GATE("a"), "");
	assert_true(vm_of(stock, "a")->is_on);
}

static void
the_policy_and_its_failover_hosts_are_read(void **state)
{
	const struct fdm_stock *stock =
		look(FDM(NV("admission_policy", "dedicated")
				 NV("failover_hosts", "h2 nobody")) VM("a", ""),
		     "", "");

	(void)state;
	assert_int_equal(stock->policy.type, HA_ADMISSION_DEDICATED);
	assert_true(stock->inv.hosts[1].is_failover_host);
	assert_false(stock->inv.hosts[0].is_failover_host);
	assert_true(strstr(g_ptr_array_index(stock->errors, 1), "nobody") ||
		    strstr(g_ptr_array_index(stock->errors, 0), "nobody"));
	stock = look(FDM(NV("failover_hosts", "h2")) VM("a", ""), "", "");
	assert_int_equal(stock->policy.type, HA_ADMISSION_PERCENTAGE);
	assert_false(stock->inv.hosts[1].is_failover_host);
}

static void
a_failover_host_with_vms_is_told(void **state)
{
	const struct fdm_stock *stock = look(
		FDM(NV("admission_policy", "dedicated")
			    NV("failover_hosts", "h2 h3")) VM("a", ""),
		GATE("a") PLANNED("a", "h3"), TICKET("a", "granted='true'"));
	bool is_told = false;

	(void)state;
	for (guint i = 0; i < stock->errors->len; i++) {
		const char *text = g_ptr_array_index(stock->errors, i);

		assert_null(strstr(text, "h2"));
		is_told = is_told || strstr(text, "h3 is yellow, 1 VM there");
	}
	assert_true(is_told);
}

/* A shape from a file, by the thread. */
static void
sizes_are_read_by_a_thread(void **state)
{
	static const char XML[] = "<domain type='kvm'><name>a</name>"
				  "<memory unit='MiB'>512</memory>"
				  "<vcpu>4</vcpu></domain>";
	char path[] = "/tmp/vmha-stock-XXXXXX";
	GMainContext *context = g_main_context_new();
	int fd = g_mkstemp(path);
	struct ha_err err = HA_ERR_INIT;
	const struct fdm_stock *stock;
	char *vm;

	(void)state;
	assert_int_equal(write(fd, XML, sizeof(XML) - 1), sizeof(XML) - 1);
	(void)close(fd);
	fdm_stock_free(fdm.stock);
	fdm.stock = fdm_stock_new(context, &err);
	assert_non_null(fdm.stock);
	vm = g_strdup_printf(VM("a", "<instance_attributes id='ai'>"
				     "<nvpair id='c' name='config' "
				     "value='%s'/></instance_attributes>"),
			     path);
	stock = look(vm, "", "");
	assert_false(stock->is_complete);
	for (int i = 0; i < 100 && !stock->is_complete; i++) {
		fdm_stock_tick(fdm.stock, T0);
		g_usleep(20000);
		(void)g_main_context_iteration(context, FALSE);
		stock = fdm_stock_get(&fdm, T0);
	}
	assert_true(stock->is_complete);
	assert_int_equal(stock->inv.vms[0].overhead_mb, 30 + 4 * 8 + 1);
	/* One that is not there is told, and does not hold up the others. */
	(void)unlink(path);
	g_free(vm);
	stock = look(VM("b", "<instance_attributes id='ai'>"
			     "<nvpair id='c' name='config' "
			     "value='/nowhere/b.xml'/></instance_attributes>"),
		     "", "");
	assert_false(stock->is_complete);
	stock = fdm_stock_get(&fdm, T0 + FDM_SHAPES_MS - 1);
	assert_false(stock->is_complete);
	fdm_stock_tick(fdm.stock, T0 + FDM_SHAPES_MS);
	stock = fdm_stock_get(&fdm, T0 + FDM_SHAPES_MS);
	assert_true(stock->is_complete);
	assert_non_null(
		strstr(g_ptr_array_index(stock->errors, 0), "/nowhere/b.xml"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_made_once_for_a_copy,
						begin, end),
		cmocka_unit_test_setup_teardown(
			own_knowledge_makes_a_host_worse_and_never_better,
			begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_to_be_restarted_is_on_where_it_was_planned,
			begin, end),
		cmocka_unit_test_setup_teardown(
			where_it_was_admitted_counts_until_its_constraint_does,
			begin, end),
		cmocka_unit_test_setup_teardown(
			a_ticket_that_stands_keeps_the_room_of_what_is_stopped,
			begin, end),
		cmocka_unit_test_setup_teardown(
			a_vm_without_a_ticket_is_on_if_the_list_has_it, begin,
			end),
		cmocka_unit_test_setup_teardown(
			the_policy_and_its_failover_hosts_are_read, begin, end),
		cmocka_unit_test_setup_teardown(
			a_failover_host_with_vms_is_told, begin, end),
		cmocka_unit_test_setup_teardown(sizes_are_read_by_a_thread,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
