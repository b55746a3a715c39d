/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/icmp: tables of routes as kernels print them, the bytes of pings,
 * and real pings between two network namespaces that this program makes (as
 * root), by both kinds of socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "ha/icmp.h"
#include "io/icmp/icmp.h"

#define SOON_MS 5000
#define SHORT_MS 300

/* cat /proc/net/route, Linux 6.1: two default routes, a network, and a
 * default route without a gateway (a tunnel). */
static const char ROUTES4[] =
	"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\t"
	"MTU\tWindow\tIRTT\n"
	"eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	"eth1\t00000000\tFE0011AC\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
	"tun0\t00000000\t00000000\t0001\t0\t0\t200\t00000000\t0\t0\t0\n"
	"*\t00000000\t020011AC\t0203\t0\t0\t200\t00000000\t0\t0\t0\n"
	"eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
	"eth0\t0000000A\t030011AC\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n";

static const char ROUTES6[] =
	"fe800000000000000000000000000000 40 00000000000000000000000000000000 "
	"00 00000000000000000000000000000000 00000100 00000001 00000000 "
	"00000001     eth0\n"
	"00000000000000000000000000000000 00 00000000000000000000000000000000 "
	"00 fe80000000000000021122fffe334455 00000400 00000001 00000000 "
	"00450003     eth0\n"
	"00000000000000000000000000000000 00 00000000000000000000000000000000 "
	"00 20010db8000000000000000000000001 00000400 00000001 00000000 "
	"00000003     eth1\n"
	"00000000000000000000000000000000 00 00000000000000000000000000000000 "
	"00 00000000000000000000000000000000 ffffffff 00000001 00000000 "
	"00200200       lo\n"
	"20010db8000100000000000000000000 30 00000000000000000000000000000000 "
	"00 20010db8000000000000000000000009 00000400 00000001 00000000 "
	"00000003     eth1\n";

static void
gateways_of_ipv4(void **state)
{
	struct ha_gateways got = { 0 };

	(void)state;
	ha_gateways_parse_ipv4(ROUTES4, &got);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.text[0], "172.17.0.1");
	assert_string_equal(got.text[1], "172.17.0.254");
	ha_gateways_parse_ipv4(ROUTES4, &got);
	assert_int_equal(got.count, 2);
}

static void
gateways_of_ipv6(void **state)
{
	struct ha_gateways got = { 0 };

	(void)state;
	ha_gateways_parse_ipv6(ROUTES6, &got);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.text[0], "fe80::211:22ff:fe33:4455%eth0");
	assert_string_equal(got.text[1], "2001:db8::1");
}

/* Cut anywhere: nothing is read past the end, nothing is made up. */
static void
tables_cut_anywhere(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(ROUTES4); len++) {
		struct ha_gateways got = { 0 };
		char *cut = strndup(ROUTES4, len);

		ha_gateways_parse_ipv4(cut, &got);
		assert_true(got.count <= 2);
		free(cut);
	}
	for (size_t len = 0; len < sizeof(ROUTES6); len++) {
		struct ha_gateways got = { 0 };
		char *cut = strndup(ROUTES6, len);

		ha_gateways_parse_ipv6(cut, &got);
		assert_true(got.count <= 2);
		free(cut);
	}
}

static void
more_gateways_than_fit(void **state)
{
	struct ha_gateways got = { 0 };

	(void)state;
	for (unsigned int i = 1; i <= HA_GATEWAYS_MAX + 2; i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "eth0\t00000000\t0%X0011AC\t0003\t0\t0\t0\t00000000\t"
			 "0\t0\t0\n",
			 i);
		ha_gateways_parse_ipv4(line, &got);
	}
	assert_int_equal(got.count, HA_GATEWAYS_MAX);
}

static void
addresses(void **state)
{
	union ha__icmp_addr a;
	union ha__icmp_addr b;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(ha__icmp_parse("192.0.2.7", &a, &err), 0);
	assert_int_equal(ha__icmp_parse("192.0.2.8", &b, &err), 0);
	assert_true(ha__icmp_is_same(&a, &a));
	assert_false(ha__icmp_is_same(&a, &b));
	assert_false(ha__icmp_is_own(&a));
	assert_int_equal(ha__icmp_parse("127.0.0.9", &a, &err), 0);
	assert_true(ha__icmp_is_own(&a));
	assert_int_equal(ha__icmp_parse("::1", &a, &err), 0);
	assert_true(ha__icmp_is_own(&a));
	assert_int_equal(ha__icmp_parse("fe80::1%nosuchif", &a, &err), -ENODEV);
	assert_int_equal(ha__icmp_parse("router", &a, &err), -EINVAL);
	assert_int_equal(ha__icmp_parse("", &a, &err), -EINVAL);
	assert_int_equal(ha__icmp_parse("1.2.3.4%eth0", &a, &err), -EINVAL);
}

static void
bytes_of_an_answer(void **state)
{
	struct ha__icmp_packet packet;
	uint8_t raw[20 + sizeof(packet)] = { 0x45 };
	uint64_t nonce = 0;

	(void)state;
	ha__icmp_make(AF_INET, 1, 2, 77, &packet);
	/* A request of our own, seen by a raw socket, is no answer. */
	assert_false(
		ha__icmp_read(AF_INET, false, &packet, sizeof(packet), &nonce));
	packet.type = ICMP_ECHOREPLY;
	assert_true(
		ha__icmp_read(AF_INET, false, &packet, sizeof(packet), &nonce));
	assert_int_equal(nonce, 77);
	memcpy(raw + 20, &packet, sizeof(packet));
	assert_true(ha__icmp_read(AF_INET, true, raw, sizeof(raw), &nonce));
	for (size_t len = 0; len < sizeof(raw); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, raw, len);
		assert_false(ha__icmp_read(AF_INET, true, cut, len, &nonce));
		free(cut);
	}
	raw[0] = 0x4f;
	assert_false(ha__icmp_read(AF_INET, true, raw, sizeof(raw), &nonce));
	raw[0] = 0x41;
	assert_false(ha__icmp_read(AF_INET, true, raw, sizeof(raw), &nonce));
	packet.mark[3] ^= 1;
	assert_false(
		ha__icmp_read(AF_INET, false, &packet, sizeof(packet), &nonce));
	ha__icmp_make(AF_INET6, 1, 2, 78, &packet);
	packet.type = ICMP6_ECHO_REPLY;
	assert_false(
		ha__icmp_read(AF_INET, false, &packet, sizeof(packet), &nonce));
	assert_true(ha__icmp_read(AF_INET6, false, &packet, sizeof(packet),
				  &nonce));
}

/* ---- real ones ------------------------------------------------------------ */

static pid_t far_end;

static void
run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0) {
		fail_msg("%s", command);
	}
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) > 0);
	close(fd);
}

/* The other end of a cable: a network namespace that a child holds. */
static int
make_network(void **state)
{
	int ready[2];
	char byte;

	(void)state;
	if (geteuid() != 0) {
		return 0;
	}
	assert_int_equal(pipe(ready), 0);
	far_end = fork();
	if (far_end == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1) {
			_exit(1);
		}
		for (;;) {
			pause();
		}
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	run("ip link set lo up");
	run("ip link add near0 type veth peer name far0 netns %d",
	    (int)far_end);
	run("ip addr add 192.0.2.1/24 dev near0");
	run("ip addr add 2001:db8::1/64 dev near0 nodad");
	run("ip link set near0 up");
	run("nsenter -t %d -n ip addr add 192.0.2.2/24 dev far0", (int)far_end);
	run("nsenter -t %d -n ip addr add 192.0.2.3/24 dev far0", (int)far_end);
	run("nsenter -t %d -n ip addr add 2001:db8::2/64 dev far0 nodad",
	    (int)far_end);
	run("nsenter -t %d -n ip addr add fe80::2/64 dev far0 nodad",
	    (int)far_end);
	run("nsenter -t %d -n ip link set far0 up", (int)far_end);
	return 0;
}

static int
end_network(void **state)
{
	(void)state;
	if (far_end > 0) {
		kill(far_end, SIGKILL);
		waitpid(far_end, NULL, 0);
	}
	return 0;
}

static bool
answers(struct ha_icmp *icmp, const char *address, int timeout_ms)
{
	struct pollfd p = { ha_icmp_fd(icmp), POLLIN, 0 };
	char got[HA_ICMP_ADDRESS_TEXT];

	while (poll(&p, 1, timeout_ms) == 1) {
		if (ha_icmp_receive(icmp, got) == 1) {
			assert_string_equal(got, address);
			return true;
		}
	}
	return false;
}

static void
ping_all(void)
{
	static const char *const ADDRESSES[] = { "192.0.2.2", "192.0.2.3",
						 "2001:db8::2" };
	struct ha_err err = HA_ERR_INIT;
	struct ha_icmp *icmp;
	char got[HA_ICMP_ADDRESS_TEXT];

	assert_int_equal(ha_icmp_new(&icmp, &err), 0);
	for (size_t i = 0; i < N_ELEMENTS(ADDRESSES); i++) {
		if (ha_icmp_ping(icmp, ADDRESSES[i], &err) < 0) {
			fail_msg("%s: %s", ADDRESSES[i], err.text);
		}
		assert_true(answers(icmp, ADDRESSES[i], SOON_MS));
		/* One answer for one ping. */
		assert_int_equal(ha_icmp_receive(icmp, got), 0);
	}
	assert_int_equal(ha_icmp_ping(icmp, "192.0.2.99", &err), 0);
	assert_false(answers(icmp, "192.0.2.99", SHORT_MS));
	assert_int_equal(ha_icmp_ping(icmp, "192.0.2.1", &err), -EADDRINUSE);
	assert_int_equal(ha_icmp_ping(icmp, "198.51.100.1", &err),
			 -ENETUNREACH);
	ha_icmp_free(icmp);
}

static void
ping_by_datagram_socket(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	write_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
	ping_all();
}

static void
ping_by_raw_socket(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	write_file("/proc/sys/net/ipv4/ping_group_range", "1 0");
	ping_all();
}

/* Another program's ping of the same address brings answers that a raw socket
 * sees: none of them counts. */
static void
answers_of_others_do_not_count(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_icmp *other;
	struct ha_icmp *icmp;

	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	write_file("/proc/sys/net/ipv4/ping_group_range", "1 0");
	assert_int_equal(ha_icmp_new(&icmp, &err), 0);
	assert_int_equal(ha_icmp_new(&other, &err), 0);
	assert_int_equal(ha_icmp_ping(icmp, "192.0.2.2", &err), 0);
	assert_true(answers(icmp, "192.0.2.2", SOON_MS));
	assert_int_equal(ha_icmp_ping(other, "192.0.2.2", &err), 0);
	assert_true(answers(other, "192.0.2.2", SOON_MS));
	assert_false(answers(icmp, "192.0.2.2", SHORT_MS));
	ha_icmp_free(other);
	ha_icmp_free(icmp);
}

static void
gateways_of_the_kernel(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_gateways got;

	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(ha_gateways_read(&got, &err), 0);
	assert_int_equal(got.count, 0);
	run("ip route add default via 192.0.2.2");
	run("ip -6 route add default via fe80::2 dev near0");
	assert_int_equal(ha_gateways_read(&got, &err), 0);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.text[0], "192.0.2.2");
	assert_string_equal(got.text[1], "fe80::2%near0");
}

static void
ping_with_scope(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_icmp *icmp;
	bool got = false;

	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(ha_icmp_new(&icmp, &err), 0);
	/* The near end's own link-local address may still be tentative. */
	for (int i = 0; i < SOON_MS / SHORT_MS && !got; i++) {
		got = ha_icmp_ping(icmp, "fe80::2%near0", &err) == 0 &&
		      answers(icmp, "fe80::2%near0", SHORT_MS);
		if (!got) {
			poll(NULL, 0, SHORT_MS);
		}
	}
	assert_true(got);
	ha_icmp_free(icmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gateways_of_ipv4),
		cmocka_unit_test(gateways_of_ipv6),
		cmocka_unit_test(tables_cut_anywhere),
		cmocka_unit_test(more_gateways_than_fit),
		cmocka_unit_test(addresses),
		cmocka_unit_test(bytes_of_an_answer),
		cmocka_unit_test(ping_by_datagram_socket),
		cmocka_unit_test(ping_by_raw_socket),
		cmocka_unit_test(answers_of_others_do_not_count),
		cmocka_unit_test(gateways_of_the_kernel),
		cmocka_unit_test(ping_with_scope),
	};

	return cmocka_run_group_tests(tests, make_network, end_network);
}
