/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain XML and image headers: captures of real tools give what their users
 * wrote; torn, nested, oversized and hostile input gives a sentence and
 * leaves the output alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "ha/cleanup.h"
#include "ha/domain.h"

#define DATA "tests/data/"
#define DATA_MAX 65536u
#define DEPTH_FITS 128u /* the parser's limit, <domain> included */
#define UUID "3b1f8d2c-5a77-4e0b-9c11-0a4f6d7e8b90"
#define NAMED "<name>n</name>"

static struct ha_domain domain;

static size_t
data_read(const char *path, char buf[DATA_MAX])
{
	ha_autofile FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, DATA_MAX, f);
	assert_in_range(n, 1, DATA_MAX - 1);
	return n;
}

static int
parse(const char *xml, struct ha_err *err)
{
	return ha_domain_parse(xml, strlen(xml), &domain, err);
}

static void
refuse_bytes(const char *xml, size_t len, int code, const char *words)
{
	struct ha_err err = HA_ERR_INIT;

	memset(&domain, 0x5a, sizeof(domain));
	assert_int_equal(ha_domain_parse(xml, len, &domain, &err), code);
	assert_non_null(strstr(err.text, words));
	assert_null(strpbrk(err.text, "\n\r\t"));
	for (size_t i = 0; i < sizeof(domain); i++) {
		assert_int_equal(((const unsigned char *)&domain)[i], 0x5a);
	}
}

static void
refuse(const char *xml, int code, const char *words)
{
	refuse_bytes(xml, strlen(xml), code, words);
}

static void
check_disk(unsigned int i, enum ha_disk_kind kind, const char *target,
	   const char *format, const char *source)
{
	assert_true(i < domain.n_disks);
	assert_int_equal(domain.disks[i].kind, kind);
	assert_string_equal(domain.disks[i].target, target);
	assert_string_equal(domain.disks[i].format, format);
	assert_string_equal(domain.disks[i].source, source);
}

static void
capture_many_disks(void **state)
{
	static char xml[DATA_MAX];
	size_t n = data_read(
		DATA "domain-xml/libvirt-9.0-inactive-many-disks.xml", xml);

	(void)state;
	assert_int_equal(ha_domain_parse(xml, n, &domain, NULL), 0);
	assert_string_equal(domain.name, "many-disks");
	assert_string_equal(domain.uuid, UUID);
	assert_string_equal(domain.type, "qemu");
	assert_int_equal(domain.n_disks, 6);
	check_disk(0, HA_DISK_FILE, "vda", "qcow2",
		   "/srv/vm & more/root.qcow2");
	assert_string_equal(domain.disks[0].cache, "none");
	assert_false(domain.disks[0].shareable);
	check_disk(1, HA_DISK_BLOCK, "vdb", "raw", "/dev/mapper/lun0");
	assert_true(domain.disks[1].shareable);
	check_disk(2, HA_DISK_NETWORK, "vdc", "raw", "rbd:pool/image");
	check_disk(3, HA_DISK_OTHER, "vdd", "", "iso/tools.img");
	assert_true(domain.disks[3].readonly);
	assert_true(domain.disks[3].is_disk);
	check_disk(4, HA_DISK_FILE, "vde", "raw", "/srv/scratch.img");
	assert_true(domain.disks[4].transient);
	check_disk(5, HA_DISK_NONE, "sda", "raw", "");
	assert_false(domain.disks[5].is_disk);
	assert_true(domain.disks[5].readonly);
}

static void
capture_snapshot(void **state)
{
	static char xml[DATA_MAX];
	size_t n = data_read(
		DATA "domain-xml/libvirt-9.0-live-snapshot-tagged.xml", xml);

	(void)state;
	assert_int_equal(ha_domain_parse(xml, n, &domain, NULL), 0);
	assert_string_equal(domain.name, "chain");
	assert_int_equal(domain.n_disks, 1);
	/* Not the backing image below it. */
	check_disk(0, HA_DISK_FILE, "vda", "qcow2", "/run/w/top.qcow2");
	/* Each cut of it is refused, or the parser saw less than it said. */
	n = (size_t)(strstr(xml, "</domain>") - xml);
	for (size_t cut = 0; cut <= n; cut += 7) {
		assert_int_equal(ha_domain_parse(xml, cut, &domain, NULL),
				 -EINVAL);
	}
}

/* What libvirt writes of a machine that takes all of its memory. */
static void
capture_pinned(void **state)
{
	static char xml[DATA_MAX];
	size_t n = data_read(DATA "domain-xml/libvirt-9.0-inactive-pinned.xml",
			     xml);

	(void)state;
	assert_int_equal(ha_domain_parse(xml, n, &domain, NULL), 0);
	assert_int_equal(domain.memory_mib, 4096);
	assert_int_equal(domain.vcpus, 4);
	assert_int_equal(domain.iothreads, 2);
	assert_int_equal(domain.video_mib, 144);
	assert_int_equal(domain.guarantee_mib, 0);
	assert_true(domain.is_pinned);
	assert_int_equal(domain.n_hostdevs, 1);
	n = data_read(DATA "domain-xml/libvirt-9.0-live-snapshot-tagged.xml",
		      xml);
	assert_int_equal(ha_domain_parse(xml, n, &domain, NULL), 0);
	assert_int_equal(domain.memory_mib, 16);
	assert_int_equal(domain.video_mib, 0);
	assert_false(domain.is_pinned);
}

static void
identity(void **state)
{
	static const char *const uuids[] = {
		UUID,
		"3B1F8D2C-5A77-4E0B-9C11-0A4F6D7E8B90",
		"3b1f8d2c5a774e0b9c110a4f6d7e8b90",
		"\n  " UUID "\n ",
	};
	char xml[256];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(uuids); i++) {
		snprintf(xml, sizeof(xml),
			 "<domain>" NAMED "<uuid>%s</uuid></domain>", uuids[i]);
		assert_int_equal(parse(xml, NULL), 0);
		assert_string_equal(domain.uuid, UUID);
	}
	assert_int_equal(parse("<domain>" NAMED "</domain>", NULL), 0);
	assert_string_equal(domain.uuid, "");
	/* Comments, CDATA and character references are text like any. */
	assert_int_equal(parse("<domain><name>a<!-- x -->b<![CDATA[<c>]]>&#100;"
			       "</name></domain>",
			       NULL),
			 0);
	assert_string_equal(domain.name, "ab<c>d");
	/* Names elsewhere are not the name. */
	assert_int_equal(parse("<domain><metadata><name>m</name><uuid>x</uuid>"
			       "</metadata>" NAMED
			       "<devices/><x><disk type='file'>"
			       "<source file='/f'/></disk></x></domain>",
			       NULL),
			 0);
	assert_string_equal(domain.name, "n");
	assert_int_equal(domain.n_disks, 0);
}

static void
identity_refused(void **state)
{
	(void)state;
	refuse("<domain><uuid>" UUID "</uuid></domain>", -EINVAL, "no <name>");
	refuse("<domain><name/></domain>", -EINVAL, "empty");
	refuse("<domain><name>a\nb</name></domain>", -EINVAL, "line 2");
	refuse("<domain><name>a/b</name></domain>", -EINVAL, "'/'");
	refuse("<domain><name>a<b/></name></domain>", -EINVAL, "element b");
	refuse("<domain>" NAMED NAMED "</domain>", -EINVAL, "second");
	refuse("<domain>" NAMED "<uuid>" UUID "0</uuid></domain>", -EINVAL,
	       "no UUID");
	refuse("<domain>" NAMED "<uuid>3b1f\n8d2c</uuid></domain>", -EINVAL,
	       "no UUID");
	refuse("<network>" NAMED "</network>", -EINVAL, "network");
	refuse("", -EINVAL, "no element");
	refuse("not xml", -EINVAL, "line 1");
}

static void
nested(char *xml, size_t size, unsigned int depth)
{
	size_t n = (size_t)snprintf(xml, size, "<domain>" NAMED);

	for (unsigned int i = 1; i < depth; i++) {
		n += (size_t)snprintf(xml + n, size - n, "<e>");
	}
	for (unsigned int i = 1; i < depth; i++) {
		n += (size_t)snprintf(xml + n, size - n, "</e>");
	}
	snprintf(xml + n, size - n, "</domain>");
}

static void
limits(void **state)
{
	static char xml[HA_DOMAIN_XML_MAX + 1];
	char name[HA_DOMAIN_NAME + 1];
	size_t n;

	(void)state;
	nested(xml, sizeof(xml), DEPTH_FITS);
	assert_int_equal(parse(xml, NULL), 0);
	nested(xml, sizeof(xml), DEPTH_FITS + 1);
	refuse(xml, -E2BIG, "nested");

	memset(name, 'n', sizeof(name));
	snprintf(xml, sizeof(xml), "<domain><name>%.*s</name></domain>",
		 HA_DOMAIN_NAME - 1, name);
	assert_int_equal(parse(xml, NULL), 0);
	assert_int_equal(strlen(domain.name), HA_DOMAIN_NAME - 1);
	snprintf(xml, sizeof(xml), "<domain><name>%.*s</name></domain>",
		 HA_DOMAIN_NAME, name);
	refuse(xml, -E2BIG, "255");

	n = (size_t)snprintf(xml, sizeof(xml), "<domain>" NAMED "<devices>");
	for (unsigned int i = 0; i <= HA_DOMAIN_DISKS; i++) {
		if (i == HA_DOMAIN_DISKS) {
			snprintf(xml + n, sizeof(xml) - n,
				 "</devices></domain>");
			assert_int_equal(parse(xml, NULL), 0);
			assert_int_equal(domain.n_disks, HA_DOMAIN_DISKS);
		}
		n += (size_t)snprintf(xml + n, sizeof(xml) - n, "<disk/>");
	}
	snprintf(xml + n, sizeof(xml) - n, "</devices></domain>");
	refuse(xml, -E2BIG, "more disks");

	memset(xml, ' ', sizeof(xml));
	memcpy(xml, "<domain>" NAMED "</domain>", 31);
	assert_int_equal(ha_domain_parse(xml, HA_DOMAIN_XML_MAX, &domain, NULL),
			 0);
	refuse_bytes(xml, HA_DOMAIN_XML_MAX + 1, -E2BIG, "limit");
}

static void
long_source(void **state)
{
	static char xml[2 * HA_DOMAIN_SOURCE];
	char path[HA_DOMAIN_SOURCE + 1];

	(void)state;
	memset(path, 'p', sizeof(path));
	for (int len = HA_DOMAIN_SOURCE - 1; len <= HA_DOMAIN_SOURCE; len++) {
		snprintf(xml, sizeof(xml),
			 "<domain>" NAMED "<devices><disk type='file'>"
			 "<source file='%.*s'/></disk></devices></domain>",
			 len, path);
		if (len < HA_DOMAIN_SOURCE) {
			assert_int_equal(parse(xml, NULL), 0);
		} else {
			refuse(xml, -E2BIG, "source");
		}
	}
}

static void
hostile(void **state)
{
	static const char nul[] = "<domain><name>a\0b</name></domain>";

	(void)state;
	refuse("<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>"
	       "<!ENTITY c '&b;&b;&b;&b;'>]><domain><name>&c;</name></domain>",
	       -EINVAL, "DOCTYPE");
	refuse("<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain/>", -EINVAL,
	       "DOCTYPE");
	refuse("<domain><name>&x;</name></domain>", -EINVAL, "undefined");
	refuse_bytes(nul, sizeof(nul) - 1, -EINVAL, "line 1");
	refuse("<domain><name>\xff\xfe</name></domain>", -EINVAL, "line 1");
	refuse("<domain><name>&#0;</name></domain>", -EINVAL, "line 1");
	refuse("<domain>" NAMED "</domain><domain/>", -EINVAL, "line 1");
	refuse("<domain a='1' a='2'>" NAMED "</domain>", -EINVAL, "duplicate");
}

static void
image_captures(void **state)
{
	static const struct {
		const char *file;
		const char *backing;
	} cases[] = {
		{ DATA "image-head/qcow2-v3-none", "" },
		{ DATA "image-head/qcow2-v2-backing", "base.img" },
		{ DATA "image-head/qcow2-v3-backing", "../pool/base.img" },
		{ DATA "image-head/qed-backing", "base.img" },
		{ DATA "image-head/qcow1-backing", "base.img" },
		{ DATA "image-head/README", "" },
	};
	static char head[DATA_MAX];
	char backing[HA_DOMAIN_SOURCE];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		size_t n = data_read(cases[i].file, head);
		size_t len = strlen(cases[i].backing);
		const unsigned char *bytes = (const unsigned char *)head;

		assert_int_equal(
			ha_image_backing(bytes, n, backing, sizeof(backing)),
			0);
		assert_string_equal(backing, cases[i].backing);
		if (len > 0) {
			assert_int_equal(
				ha_image_backing(bytes, n, backing, len),
				-ENAMETOOLONG);
		}
		/* No cut reads past its end (the sanitizer watches). */
		for (size_t cut = 0; cut < n; cut++) {
			char *copy = malloc(cut ? cut : 1);

			assert_non_null(copy);
			memcpy(copy, head, cut);
			(void)ha_image_backing((const unsigned char *)copy, cut,
					       backing, sizeof(backing));
			free(copy);
		}
	}
}

static void
image_contradictions(void **state)
{
	static const struct {
		size_t offset; /* of a byte in the v3 header */
		unsigned char value;
		int rc;
	} cases[] = {
		{ 4, 0xff, -EINVAL },   /* version */
		{ 14, 0x00, -EINVAL },  /* name inside the header */
		{ 8, 0xff, -ERANGE },   /* name far away */
		{ 14, 0x04, -ERANGE },  /* name just past our bytes */
		{ 18, 0x04, -EINVAL },  /* name of 1040 bytes */
		{ 19, 0x00, -EINVAL },  /* name of none */
		{ 103, 0x10, -EINVAL }, /* header shorter than v3's */
		{ 100, 0xff, -EINVAL }, /* header longer than the file */
		{ 102, 0x02, -EINVAL }, /* header that reaches over the name */
		{ 530, 0x00, -EINVAL }, /* NUL in the name */
	};
	static char head[DATA_MAX];
	char backing[HA_DOMAIN_SOURCE] = "untouched";
	size_t n = data_read(DATA "image-head/qcow2-v3-backing", head);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char was = head[cases[i].offset];

		head[cases[i].offset] = (char)cases[i].value;
		assert_int_equal(ha_image_backing((const unsigned char *)head,
						  n, backing, sizeof(backing)),
				 cases[i].rc);
		assert_string_equal(backing, "untouched");
		head[cases[i].offset] = was;
	}
}

/* Units as libvirt's formatdomain names them; what is no size is 0, and the
 * rest of the XML counts all the same. */
static void
sizes(void **state)
{
	static const struct {
		const char *xml;
		uint64_t mib;
		uint32_t vcpus;
	} cases[] = {
		{ "", 0, 0 },
		{ "<memory>65536</memory><vcpu>1</vcpu>", 64, 1 },
		{ "<memory unit='KiB'>65537</memory>", 65, 0 },
		{ "<memory unit='MiB'>16</memory>", 16, 0 },
		{ "<memory unit='M'>16</memory>", 16, 0 },
		{ "<memory unit='GiB'> 2 </memory>", 2048, 0 },
		{ "<memory unit='GB'>2</memory>", 1908, 0 },
		{ "<memory unit='b'>1</memory>", 1, 0 },
		{ "<memory unit='TiB'>1</memory>", 1048576, 0 },
		{ "<memory unit='stone'>1</memory>", 0, 0 },
		{ "<memory unit='TiB'>16777215</memory>", 17592184995840, 0 },
		{ "<memory unit='TiB'>16777216</memory>", 0, 0 },
		{ "<memory>a lot</memory><vcpu>two</vcpu>", 0, 0 },
		{ "<vcpu placement='static'>\n 8\n</vcpu>", 0, 8 },
		{ "<vcpu>4294967296</vcpu>", 0, 0 },
		{ "<vcpu>-1</vcpu>", 0, 0 },
	};
	struct ha_err err = HA_ERR_INIT;
	char xml[512];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		snprintf(xml, sizeof(xml), "<domain>" NAMED "%s</domain>",
			 cases[i].xml);
		assert_int_equal(parse(xml, &err), 0);
		assert_int_equal(domain.memory_mib, cases[i].mib);
		assert_int_equal(domain.vcpus, cases[i].vcpus);
	}
	assert_int_equal(parse("<domain>" NAMED "<hostdev/><devices><hostdev/>"
			       "<filesystem/><hostdev/></devices></domain>",
			       &err),
			 0);
	assert_int_equal(domain.n_hostdevs, 2);
	assert_int_equal(domain.n_filesystems, 1);
	assert_false(domain.has_agent || domain.has_heartbeat);
}

#define TARGET(name) "<target type='virtio' name='" name "'/>"
#define CHANNEL(name) "<channel type='unix'>" TARGET(name) "</channel>"

static void
channels(void **state)
{
	static const struct {
		const char *xml;
		bool has_agent, has_heartbeat;
	} cases[] = {
		{ CHANNEL(HA_DOMAIN_AGENT), true, false },
		{ CHANNEL(HA_DOMAIN_HEARTBEAT), false, true },
		{ CHANNEL("x") CHANNEL(HA_DOMAIN_AGENT)
			  CHANNEL(HA_DOMAIN_HEARTBEAT),
		  true, true },
		{ "<channel><target/></channel>", false, false },
		{ "<channel/><serial>" TARGET(HA_DOMAIN_AGENT) "</serial>",
		  false, false },
		{ "<channel><source>" TARGET(
			  HA_DOMAIN_AGENT) "</source></channel>",
		  false, false },
	};
	struct ha_err err = HA_ERR_INIT;
	char xml[1024];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		snprintf(xml, sizeof(xml),
			 "<domain>" NAMED "%s<devices>%s</devices></domain>",
			 CHANNEL(HA_DOMAIN_AGENT), cases[i].xml);
		assert_int_equal(parse(xml, &err), 0);
		assert_int_equal(domain.has_agent, cases[i].has_agent);
		assert_int_equal(domain.has_heartbeat, cases[i].has_heartbeat);
	}
}

/* What admission control counts beside <memory>. */
static const struct {
	const char *xml;
	uint64_t guarantee_mib, video_mib;
	uint32_t iothreads;
	bool is_pinned;
} MEMORY[] = {
	{ "", 0, 0, 0, false },
	{ "<memtune><hard_limit>9</hard_limit><min_guarantee "
	  "unit='GiB'>2</min_guarantee></memtune>",
	  2048, 0, 0, false },
	{ "<memtune><min_guarantee>1025</min_guarantee></memtune>", 2, 0, 0,
	  false },
	{ "<memtune><min_guarantee>some</min_guarantee></memtune>", 0, 0, 0,
	  false },
	{ "<min_guarantee>2048</min_guarantee><cputune>"
	  "<min_guarantee>2048</min_guarantee></cputune>",
	  0, 0, 0, false },
	{ "<iothreads>3</iothreads>", 0, 0, 3, false },
	{ "<memoryBacking><locked/></memoryBacking>", 0, 0, 0, true },
	{ "<memoryBacking><nosharepages/><hugepages><page size='2' "
	  "unit='M'/></hugepages></memoryBacking>",
	  0, 0, 0, true },
	{ "<memoryBacking><source type='memfd'/></memoryBacking>", 0, 0, 0,
	  false },
	{ "<metadata><locked/><hugepages/></metadata>", 0, 0, 0, false },
	{ "<devices><hostdev type='pci'/></devices>", 0, 0, 0, true },
	{ "<devices><hostdev type='mdev'/></devices>", 0, 0, 0, true },
	{ "<devices><hostdev type='usb'/></devices>", 0, 0, 0, false },
	{ "<devices><interface type='hostdev'/></devices>", 0, 0, 0, true },
	{ "<devices><interface type='bridge'><model type='virtio'/>"
	  "</interface></devices>",
	  0, 0, 0, false },
	{ "<devices><video><model type='vga' vram='16384'/></video>"
	  "</devices>",
	  0, 16, 0, false },
	{ "<devices><video><model type='qxl' ram='65536' vram='65536' "
	  "vgamem='16384'/></video><video><model type='virtio'/>"
	  "</video></devices>",
	  0, 160, 0, false },
	{ "<devices><video><model type='none'/></video></devices>", 0, 0, 0,
	  false },
	{ "<devices><video><model type='vga' "
	  "vram='18446744073709551615'/></video></devices>",
	  0, 16, 0, false },
};

static void
memory(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	char xml[512];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(MEMORY); i++) {
		snprintf(xml, sizeof(xml), "<domain>" NAMED "%s</domain>",
			 MEMORY[i].xml);
		assert_int_equal(parse(xml, &err), 0);
		assert_int_equal(domain.guarantee_mib, MEMORY[i].guarantee_mib);
		assert_int_equal(domain.video_mib, MEMORY[i].video_mib);
		assert_int_equal(domain.iothreads, MEMORY[i].iothreads);
		assert_int_equal(domain.is_pinned, MEMORY[i].is_pinned);
	}
	refuse("<domain>" NAMED "<memtune><min_guarantee><b/></min_guarantee>"
	       "</memtune></domain>",
	       -EINVAL, "text expected");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capture_many_disks),
		cmocka_unit_test(capture_snapshot),
		cmocka_unit_test(capture_pinned),
		cmocka_unit_test(identity),
		cmocka_unit_test(identity_refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(long_source),
		cmocka_unit_test(hostile),
		cmocka_unit_test(sizes),
		cmocka_unit_test(memory),
		cmocka_unit_test(channels),
		cmocka_unit_test(image_captures),
		cmocka_unit_test(image_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
