/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/use and use_judge: when a host is measured, what the CIB
 * then says, when the master warns; and the measure itself of a real process
 * that burns CPU and holds memory, by the daemon's own thread.
 */
#include "inventory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fakes.h"

#include "FaultDomain/found.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define T0 100000u
#define USED(value)                                      \
	"<transient_attributes id='t'>" ATTR("vmha-use", \
					     value) "</transient_attributes>"
#define FDM(params)                                              \
	"<primitive id='fdm' class='ocf' provider='vmha' "       \
	"type='FaultDomain'><instance_attributes id='f'>" params \
	"</instance_attributes></primitive>"
#define LOSES(percent)                                                      \
	FDM("<nvpair id='l' name='performance_degradation' value='" percent \
	    "'/>")
#define HELD_MB 64u
#define BURN_MS 1500u
#define MS_PER_S 1000u
#define NEAR_MHZ 60u /* the counters' ticks, and the way between two clocks */

static struct fdm fdm;
static struct fdm_snap snap;
static struct fdm_found found;
static bool is_master;
static char ran[256];  /* "": no program since the last look */
static char told[600]; /* "ID WHAT" of the last line; "": none */

/* ---- what is faked ---------------------------------------------------------- */

void
fdm_child_run(struct fdm *one, const char *const *argv, uint32_t limit_ms,
	      const char *what, void (*ended)(struct fdm *one, bool is_good))
{
	(void)one;
	(void)limit_ms;
	(void)what;
	(void)ended;
	ran[0] = '\0';
	for (; *argv; argv++) {
		g_strlcat(ran, ran[0] ? " " : "", sizeof(ran));
		g_strlcat(ran, *argv, sizeof(ran));
	}
}

void
fdm_log(int level, const char *id, const char *format, ...)
{
	char text[500];
	va_list args;

	(void)level;
	va_start(args, format);
	(void)g_vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)g_snprintf(told, sizeof(told), "%s %s", id, text);
}

bool
fdm_master_may_write(const struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
	return is_master;
}

/* ---- a cluster ---------------------------------------------------------------- */

static void
see(const char *quorum, const char *resources, const char *status)
{
	char *xml = g_strdup_printf(
		"<cib have-quorum='%s'><configuration><nodes>" HOST(
			"1", CAPACITY("1000", "1000"))
			HOST("2",
			     CAPACITY(
				     "1000",
				     "1000")) "</nodes>"
					      "<resources>%s</resources></configuration><status>%s"
					      "</status></cib>",
		quorum, resources, status);

	fdm_stock_drop(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0));
	fdm.copies++;
	g_free(xml);
}

#define SHOWS(value) STATE("1", MEMBER, USED(value)) STATE("2", MEMBER, "")
#define SHOWS_NOTHING STATE("1", MEMBER, "") STATE("2", MEMBER, "")

static const char *
tick(uint64_t now_ms)
{
	ran[0] = '\0';
	fdm_use_tick(&fdm, now_ms);
	return ran;
}

/* A look at one process, as if the thread had brought it. */
static void
bring(uint64_t at_ms, uint64_t cpu_ticks, uint64_t memory_mb)
{
	struct fdm_look *look = g_new0(struct fdm_look, 1);

	look->kind = FDM_LOOK_USE;
	look->at_ms = at_ms;
	look->used = g_new0(struct ha_use_process, 1);
	look->n_used = 1;
	look->used[0] =
		(struct ha_use_process){ 10, 5, cpu_ticks, memory_mb * 1024 };
	fdm_use_looked(&fdm, look);
	g_free(look->used);
	g_free(look);
}

static guint looked;
static pid_t only; /* 0: nothing of the thread's is taken */

static void
on_look(void *data, struct fdm_look *look)
{
	uint32_t count = 0;

	(void)data;
	for (uint32_t i = 0; i < look->n_used; i++) {
		if (look->used[i].pid == only) {
			look->used[count++] = look->used[i];
		}
	}
	look->n_used = count;
	looked += count;
	if (only) {
		assert_int_equal(look->code, 0);
		fdm_use_looked(&fdm, look);
	}
}

static int
begin(void **state)
{
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	fake_begin(0);
	memset(&fdm, 0, sizeof(fdm));
	memset(&snap, 0, sizeof(snap));
	memset(&found, 0, sizeof(found));
	snap.is_there = snap.is_quorate = true;
	g_strlcpy(snap.self, "h1", sizeof(snap.self));
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	for (int i = 1; i <= 2; i++) {
		struct fdm_host host = { .is_member = true, .is_fresh = true };

		(void)snprintf(host.name, sizeof(host.name), "h%d", i);
		g_array_append_val(snap.hosts, host);
	}
	fdm.snap = &snap;
	fdm.stock = fdm_stock_new(NULL, &err);
	fdm.protect = fdm_protect_new();
	fdm.found = &found;
	fdm.context = g_main_context_new();
	found.fdm = &fdm;
	found.looker = fdm_looker_new(fdm.context, on_look, NULL, &err);
	assert_non_null(found.looker);
	fdm.capacity.is_read = true;
	fdm.capacity.has = (struct ha_hostcap){ .cores = 4,
						.cpu_mhz = 4000,
						.memory_mb = 4000 };
	is_master = true;
	told[0] = ran[0] = '\0';
	looked = 0;
	only = 0;
	return 0;
}

/* The thread goes on: it may still have something to bring, to nobody. */
static int
end(void **state)
{
	(void)state;
	fdm_attr_clear(&fdm.use.attr);
	g_clear_pointer(&fdm.use.before, g_free);
	fdm_stock_free(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm_protect_free(fdm.protect);
	g_array_unref(snap.hosts);
	fake_end();
	return 0;
}

/* ---- measuring ------------------------------------------------------------------ */

static void
nothing_where_100_is_set(void **state)
{
	static const char *const SETS[] = { "", FDM(""), LOSES("100"),
					    LOSES("101") };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(SETS); i++) {
		see("1", SETS[i], SHOWS_NOTHING);
		assert_string_equal(tick(T0), "");
		assert_false(fdm.use.is_looking);
		fdm_use_judge_tick(&fdm, T0 + i * FDM_USE_JUDGE_MS);
		assert_false(fdm.stock->cibinv);
	}
	see("1", LOSES("99"), SHOWS_NOTHING);
	fdm.capacity.is_read = false;
	(void)tick(T0);
	assert_false(fdm.use.is_looking);
	fdm.capacity.is_read = true;
	(void)tick(T0);
	assert_true(fdm.use.is_looking);
}

#define PUT(value) "attrd_updater --node h1 --name vmha-use --update " value
#define TAKE "attrd_updater --node h1 --name vmha-use --delete"

static void
tells_what_has_changed(void **state)
{
	(void)state;
	see("1", LOSES("50"), SHOWS_NOTHING);
	assert_string_equal(tick(T0), "");
	bring(10000, 100, 300);
	assert_false(fdm.use.is_looking);
	/* One look is none. */
	assert_string_equal(tick(T0 + 1), "");
	assert_false(fdm.use.is_looking);
	(void)tick(T0 + FDM_USE_FIRST_MS);
	assert_true(fdm.use.is_looking);
	bring(20000, 100 + 1000, 300);
	assert_string_equal(tick(T0 + FDM_USE_FIRST_MS), PUT("1000 300"));
	/* From then on once a minute. */
	assert_false(fdm.use.is_looking);
	(void)tick(T0 + FDM_USE_FIRST_MS + FDM_USE_LOOK_MS - 1);
	assert_false(fdm.use.is_looking);
	(void)tick(T0 + FDM_USE_FIRST_MS + FDM_USE_LOOK_MS);
	assert_true(fdm.use.is_looking);
	/* 5 % of what the host offers are nothing, more is. */
	see("1", LOSES("50"), SHOWS("1000 300"));
	bring(30000, 1100 + 1050, 350);
	assert_string_equal(tick(T0 + 90000), "");
	bring(40000, 2150 + 1051, 350);
	assert_string_equal(tick(T0 + 91000), PUT("1051 350"));
	/* It is erased: the same again. */
	see("1", LOSES("50"), SHOWS("1051 350"));
	assert_string_equal(tick(T0 + 92000), "");
	see("1", LOSES("50"), SHOWS_NOTHING);
	assert_string_equal(tick(T0 + 93000), PUT("1051 350"));
	/* A look that failed leaves it. */
	see("1", LOSES("50"), SHOWS("1051 350"));
	{
		struct fdm_look look = { .code = -EIO };

		fdm_use_looked(&fdm, &look);
	}
	assert_string_equal(tick(T0 + 94000), "");
	see("1", LOSES("100"), SHOWS("1051 350"));
	assert_string_equal(tick(T0 + 95000), TAKE);
	assert_null(fdm.use.before);
	/* And begins anew. */
	see("1", LOSES("50"), SHOWS_NOTHING);
	assert_string_equal(tick(T0 + 96000), "");
	bring(50000, 9999999, 500);
	assert_string_equal(tick(T0 + 97000), "");
}

static void
never_without_quorum(void **state)
{
	(void)state;
	see("0", LOSES("0"), SHOWS_NOTHING);
	bring(10000, 100, 300);
	bring(20000, 1100, 300);
	assert_string_equal(tick(T0), "");
	see("1", LOSES("0"), SHOWS_NOTHING);
	snap.is_quorate = false;
	assert_string_equal(tick(T0), "");
	fake.is_snap_old = true;
	snap.is_quorate = true;
	assert_string_equal(tick(T0), "");
	fake.is_snap_old = false;
	assert_string_equal(tick(T0), PUT("1000 300"));
}

/* What the daemon before this one has told stands while it is near. */
static void
a_new_daemon(void **state)
{
	(void)state;
	see("1", LOSES("0"), SHOWS("950 300"));
	assert_string_equal(tick(T0), "");
	bring(10000, 100, 300);
	bring(20000, 1100, 300);
	assert_string_equal(tick(T0), "");
	see("1", LOSES("0"), SHOWS("lots"));
	fdm.use.text[0] = '\0';
	bring(30000, 2100, 300);
	assert_string_equal(tick(T0), PUT("1000 300"));
	see("1", LOSES("0"), SHOWS("950 300"));
	ran[0] = '\0';
	fdm_use_end(&fdm);
	assert_string_equal(ran, TAKE);
	ran[0] = '\0';
	see("1", LOSES("0"), SHOWS_NOTHING);
	fdm_use_end(&fdm);
	assert_string_equal(ran, "");
}

/* Capacity by hand is all that tells what a core does. */
static void
no_frequency(void **state)
{
	(void)state;
	fdm.capacity.has.cpu_mhz = 0;
	see("1", LOSES("0"), SHOWS_NOTHING);
	bring(10000, 100, 300);
	bring(20000, 1100, 300);
	assert_string_equal(tick(T0), PUT("250 300"));
}

/* ---- judging ----------------------------------------------------------------------- */

static size_t
warnings(void)
{
	json_t *all = fdm_use_warnings(&fdm);
	size_t n = json_array_size(all);

	json_decref(all);
	return n;
}

static const char *
judge(uint64_t now_ms)
{
	told[0] = '\0';
	fdm_use_judge_tick(&fdm, now_ms);
	return told;
}

/* Two hosts of 1000 MHz and 1000 MB, one may fail. */
static void
the_master_warns(void **state)
{
	uint64_t now_ms = T0;

	(void)state;
	see("1", LOSES("20"),
	    STATE("1", MEMBER, USED("1250 900"))
		    STATE("2", MEMBER, USED("0 350")));
	assert_string_equal(judge(now_ms), "");
	assert_int_equal(warnings(), 0);
	see("1", LOSES("20"),
	    STATE("1", MEMBER, USED("1251 900"))
		    STATE("2", MEMBER, USED("0 350")));
	/* Not with each tick. */
	assert_string_equal(judge(now_ms + FDM_USE_JUDGE_MS - 1), "");
	now_ms += FDM_USE_JUDGE_MS;
	assert_string_equal(
		judge(now_ms),
		"degradation failures would slow VMs down: the CPU in use now, "
		"1251 MHz, less the 20 % that may be lost, would not fit into "
		"the 1000 MHz that are left after 1 host failure: VMs would be "
		"slower than that. Add a host, have VMs use less, or raise "
		"performance_degradation");
	assert_int_equal(warnings(), 1);
	now_ms += FDM_USE_JUDGE_MS;
	assert_string_equal(judge(now_ms), "");
	/* Gone, not for long enough, and back. */
	see("1", LOSES("20"), SHOWS("1250 900"));
	now_ms += FDM_USE_JUDGE_MS;
	assert_string_equal(judge(now_ms), "");
	assert_int_equal(warnings(), 1);
	see("1", LOSES("20"), SHOWS("1251 900"));
	now_ms += FDM_USE_QUIET_MS;
	assert_string_equal(judge(now_ms), "");
	see("1", LOSES("20"), SHOWS("1250 900"));
	now_ms += FDM_USE_JUDGE_MS;
	assert_string_equal(judge(now_ms), "");
	assert_string_equal(judge(now_ms + FDM_USE_QUIET_MS - 1), "");
	assert_int_equal(warnings(), 1);
	now_ms += FDM_USE_QUIET_MS + FDM_USE_JUDGE_MS;
	assert_string_equal(judge(now_ms),
			    "degradation-end failures would slow VMs down no "
			    "more than performance_degradation allows: CPU");
	assert_int_equal(warnings(), 0);
}

static void
who_is_not_master_says_nothing(void **state)
{
	(void)state;
	is_master = false;
	see("1", LOSES("0"), SHOWS("1001 1001"));
	assert_string_equal(judge(T0), "");
	assert_int_equal(warnings(), 2);
	/* And does not say it again as the next one. */
	is_master = true;
	assert_string_equal(judge(T0 + FDM_USE_JUDGE_MS), "");
	/* Taken back, both of them at once. */
	see("1", LOSES("100"), SHOWS("1001 1001"));
	(void)tick(T0);
	assert_true(g_str_has_suffix(judge(T0 + FDM_USE_JUDGE_MS * 2),
				     " allows: memory"));
	assert_int_equal(warnings(), 0);
}

/* ---- a real process ------------------------------------------------------------------ */

static void
burn(void)
{
	volatile unsigned int spins = 0;
	char *held = mmap(NULL, HELD_MB << 20, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (held == MAP_FAILED) {
		_exit(1);
	}
	memset(held, 1, HELD_MB << 20);
	if (write(STDOUT_FILENO, "+", 1) != 1) {
		_exit(1);
	}
	for (;;) {
		spins++;
	}
}

/* This program, under a QEMU's name and command line. */
static pid_t
spawn(const char *path)
{
	const char *argv[] = { "qemu-test",
			       "-name",
			       "guest=burns",
			       "-uuid",
			       "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f7a1",
			       NULL };
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], STDOUT_FILENO);
		/* execv() takes char *const[] and changes nothing. */
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static char *
copy_to_qemu(void)
{
	char *path = g_strdup("/tmp/qemu-use-test-XXXXXX");
	char *self = NULL;
	gsize len = 0;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(g_file_get_contents("/proc/self/exe", &self, &len, NULL));
	assert_int_equal(write(fd, self, len), len);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	g_free(self);
	return path;
}

static uint64_t
cpu_us(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void
await_look(void)
{
	guint before = looked;
	uint64_t until_ms = ha_clock_now_ms() + 30 * MS_PER_S;

	while (looked == before) {
		assert_true(ha_clock_now_ms() < until_ms);
		(void)g_main_context_iteration(fdm.context, FALSE);
		g_usleep(1000);
	}
}

/* The clock of its CPU time is the other witness, however much of a CPU the
 * machine has for it. */
static void
a_process_that_burns(void **state)
{
	char *path = copy_to_qemu();
	uint64_t now_ms = T0;
	uint64_t used_us, wanted_mhz, at_ms;

	(void)state;
	see("1", LOSES("0"), SHOWS_NOTHING);
	only = spawn(path);
	(void)tick(now_ms);
	await_look();
	used_us = cpu_us(only);
	at_ms = ha_clock_now_ms();
	g_usleep(BURN_MS * 1000);
	now_ms += FDM_USE_FIRST_MS;
	used_us = cpu_us(only) - used_us;
	at_ms = ha_clock_now_ms() - at_ms;
	(void)tick(now_ms);
	await_look();
	(void)kill(only, SIGKILL);
	(void)waitpid(only, NULL, 0);
	(void)unlink(path);
	g_free(path);
	/* 1000 MHz a core, one of them at most. */
	wanted_mhz = used_us / at_ms;
	assert_in_range(wanted_mhz, 1, 1000 + NEAR_MHZ);
	assert_in_range(fdm.use.told.cpu_mhz + NEAR_MHZ, wanted_mhz,
			wanted_mhz + 2 * NEAR_MHZ);
	assert_in_range(fdm.use.told.memory_mb, HELD_MB, HELD_MB * 4);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_where_100_is_set, begin,
						end),
		cmocka_unit_test_setup_teardown(tells_what_has_changed, begin,
						end),
		cmocka_unit_test_setup_teardown(never_without_quorum, begin,
						end),
		cmocka_unit_test_setup_teardown(a_new_daemon, begin, end),
		cmocka_unit_test_setup_teardown(no_frequency, begin, end),
		cmocka_unit_test_setup_teardown(the_master_warns, begin, end),
		cmocka_unit_test_setup_teardown(who_is_not_master_says_nothing,
						begin, end),
		cmocka_unit_test_setup_teardown(a_process_that_burns, begin,
						end),
	};

	if (argc > 1 && strcmp(argv[1], "-name") == 0) {
		burn();
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
