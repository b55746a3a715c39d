// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtio channels (virtio-serial, legacy PCI interface, virtio 1.0 section 5.3
 * and 4.1.4.8): the guest agent's, on which guest-sync and guest-ping are
 * answered, and the one for an application's heartbeat, into which a line goes
 * each second. Polled: there is no interrupt to miss. Does nothing at all
 * unless an option asks for it, so that other guests stay as they are.
 */
#include "nano.h"

#define PCI_ADDRESS 0xcf8u
#define PCI_DATA 0xcfcu
#define PCI_SLOTS 32u
#define PCI_ID_CONSOLE 0x10031af4u /* transitional virtio console */
#define PCI_COMMAND 0x04u
#define PCI_COMMAND_ON 0x5u /* I/O, bus master */
#define PCI_BAR0 0x10u

#define REG_FEATURES 0x00u
#define REG_GUEST_FEATURES 0x04u
#define REG_QUEUE_PFN 0x08u
#define REG_QUEUE_SIZE 0x0cu
#define REG_QUEUE_SELECT 0x0eu
#define REG_QUEUE_NOTIFY 0x10u
#define REG_STATUS 0x12u
#define STATUS_SEEN 3u /* acknowledged, with a driver */
#define STATUS_READY 7u
#define FEATURE_MULTIPORT 2u

#define CONTROL_READY 0u /* events of the control queue */
#define CONTROL_PORT_ADD 1u
#define CONTROL_PORT_READY 3u
#define CONTROL_OPEN 6u
#define CONTROL_NAME 7u

#define QUEUE_CONTROL_IN 2u
#define QUEUE_CONTROL_OUT 3u
#define QUEUE_FIRST_IN 4u /* of port 1; two queues a port */
#define PORTS 3u          /* 0 is a console's, and not used */
#define QUEUES (2u * (PORTS + 1))
#define QUEUE_MAX 128u
#define RING_BYTES 8192u /* of the largest queue */
#define RING_ALIGN 4096u
#define BUFFERS 8u /* that wait to be filled */
#define BUFFER_BYTES 256u
#define DESC_WRITE 2u

#define AGENT "org.qemu.guest_agent.0"
#define HEARTBEAT "org.vmha.heartbeat.0"
#define LINE_BYTES 512u

struct desc {
	uint64_t address;
	uint32_t bytes;
	uint16_t flags, next;
};

struct queue {
	uint16_t size, sent, seen;
	struct desc *desc;
	volatile uint16_t *avail; /* flags, index, ring */
	volatile uint16_t *used;  /* flags, index, then pairs of u32 */
};

struct control {
	uint32_t port;
	uint16_t event, value;
};

static uint8_t rings[QUEUES][RING_BYTES] __attribute__((aligned(4096)));
static uint8_t buffers[QUEUES][BUFFERS][BUFFER_BYTES];
static struct queue queues[QUEUES];
static uint16_t base; /* 0: no device, or not wanted */
static uint32_t agent_port, heartbeat_port;
static uint32_t agent_from_s, heartbeat_from_s, beat_ticks;
static bool is_agent_dumb;
static char line[LINE_BYTES];
static uint32_t line_len;

static uint32_t
pci_read(uint32_t slot, uint32_t reg)
{
	outl(PCI_ADDRESS, 0x80000000u | slot << 11 | reg);
	return inl(PCI_DATA);
}

static void
barrier(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

/* ---- queues --------------------------------------------------------------- */

static bool
queue_init(uint32_t number)
{
	struct queue *q = &queues[number];
	uint32_t used_at;

	outw((uint16_t)(base + REG_QUEUE_SELECT), (uint16_t)number);
	q->size = inw((uint16_t)(base + REG_QUEUE_SIZE));
	if (q->size < BUFFERS || q->size > QUEUE_MAX) {
		return false;
	}
	used_at = q->size * (uint32_t)sizeof(struct desc) + 2u * (3u + q->size);
	used_at = (used_at + RING_ALIGN - 1) & ~(RING_ALIGN - 1);
	q->desc = (struct desc *)(void *)rings[number];
	q->avail = (volatile uint16_t *)(void *)(rings[number] +
						 q->size * sizeof(*q->desc));
	q->used = (volatile uint16_t *)(void *)(rings[number] + used_at);
	q->avail[0] = 1; /* no interrupts */
	outl((uint16_t)(base + REG_QUEUE_PFN),
	     (uint32_t)(uintptr_t)rings[number] / RING_ALIGN);
	return true;
}

static void
queue_put(uint32_t number, uint32_t slot, uint32_t bytes, uint16_t flags)
{
	struct queue *q = &queues[number];

	q->desc[slot] = (struct desc){
		.address = (uint32_t)(uintptr_t)buffers[number][slot],
		.bytes = bytes,
		.flags = flags,
	};
	q->avail[2u + q->sent % q->size] = (uint16_t)slot;
	barrier();
	q->avail[1] = ++q->sent;
	barrier();
	outw((uint16_t)(base + REG_QUEUE_NOTIFY), (uint16_t)number);
}

static void
queue_fill(uint32_t number)
{
	for (uint32_t i = 0; i < BUFFERS; i++) {
		queue_put(number, i, BUFFER_BYTES, DESC_WRITE);
	}
}

/* The next buffer that was filled, or that is free again; its bytes. */
static bool
queue_take(uint32_t number, uint32_t *ret_slot, uint32_t *ret_bytes)
{
	struct queue *q = &queues[number];
	volatile uint32_t *pair;

	barrier();
	if (q->seen == q->used[1]) {
		return false;
	}
	pair = (volatile uint32_t *)(volatile void *)&q->used[2];
	*ret_slot = pair[2u * (q->seen % q->size)];
	*ret_bytes = pair[2u * (q->seen % q->size) + 1];
	q->seen++;
	return *ret_slot < BUFFERS && *ret_bytes <= BUFFER_BYTES;
}

/* Lost where nobody at the other end takes what was sent before. */
static void
send(uint32_t number, const void *data, uint32_t bytes)
{
	struct queue *q = &queues[number];
	uint32_t slot, unused;

	while (queue_take(number, &slot, &unused)) {
	}
	if ((uint16_t)(q->sent - q->seen) >= BUFFERS) {
		return;
	}
	slot = q->sent % BUFFERS;
	memcpy(buffers[number][slot], data, bytes);
	queue_put(number, slot, bytes, 0);
}

/* ---- control -------------------------------------------------------------- */

static void
control_send(uint32_t port, uint16_t event, uint16_t value)
{
	struct control message = { port, event, value };

	send(QUEUE_CONTROL_OUT, &message, sizeof(message));
}

static bool
is_name(const uint8_t *text, uint32_t bytes, const char *name)
{
	uint32_t i = 0;

	while (i < bytes && name[i] && text[i] == (uint8_t)name[i]) {
		i++;
	}
	return !name[i] && (i == bytes || !text[i]);
}

static uint32_t
in_queue(uint32_t port)
{
	return QUEUE_FIRST_IN + 2u * (port - 1);
}

static void
port_open(uint32_t port)
{
	queue_fill(in_queue(port));
	control_send(port, CONTROL_OPEN, 1);
}

static void
control_take(const uint8_t *data, uint32_t bytes)
{
	struct control message;

	memcpy(&message, data, sizeof(message));
	if (message.port == 0 || message.port >= PORTS) {
		return;
	}
	if (message.event == CONTROL_PORT_ADD) {
		control_send(message.port, CONTROL_PORT_READY, 1);
	} else if (message.event == CONTROL_NAME) {
		const uint8_t *name = data + sizeof(message);
		uint32_t len = bytes - (uint32_t)sizeof(message);

		if (is_name(name, len, AGENT)) {
			agent_port = message.port;
		} else if (is_name(name, len, HEARTBEAT)) {
			heartbeat_port = message.port;
		}
	}
}

static void
control_serve(void)
{
	uint32_t slot, bytes;

	while (queue_take(QUEUE_CONTROL_IN, &slot, &bytes)) {
		if (bytes >= sizeof(struct control)) {
			control_take(buffers[QUEUE_CONTROL_IN][slot], bytes);
		}
		queue_put(QUEUE_CONTROL_IN, slot, BUFFER_BYTES, DESC_WRITE);
	}
}

/* ---- the guest agent ------------------------------------------------------ */

static const char *
find(const char *text, const char *what)
{
	for (; *text; text++) {
		uint32_t i = 0;

		while (what[i] && text[i] == what[i]) {
			i++;
		}
		if (!what[i]) {
			return text + i;
		}
	}
	return NULL;
}

/* The answer to guest-sync is its id; libvirt's are small numbers. */
static void
agent_answer(void)
{
	static const char pong[] = "{\"return\": {}}\n";
	static const char unknown[] =
		"{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"\"}}\n";
	static const char head[] = "{\"return\": ";
	char answer[64];
	const char *id = find(line, "\"id\"");
	uint32_t queue = in_queue(agent_port) + 1;
	uint32_t n = sizeof(head) - 1;

	if (find(line, "\"guest-ping\"")) {
		say("nano: agent pinged\n");
		send(queue, pong, sizeof(pong) - 1);
		return;
	}
	if (!find(line, "\"guest-sync") || !id) {
		send(queue, unknown, sizeof(unknown) - 1);
		return;
	}
	memcpy(answer, head, n);
	for (; *id && (*id < '0' || *id > '9'); id++) {
	}
	for (; *id >= '0' && *id <= '9' && n < sizeof(answer) - 2; id++) {
		answer[n++] = *id;
	}
	answer[n++] = '}';
	answer[n++] = '\n';
	send(queue, answer, n);
}

static void
agent_take(const uint8_t *data, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++) {
		char c = (char)data[i];

		if (c != '\n' && line_len < LINE_BYTES - 1) {
			line[line_len++] = c;
			continue;
		}
		line[line_len] = '\0';
		line_len = 0;
		if (!is_agent_dumb) {
			agent_answer();
		}
	}
}

static void
agent_serve(void)
{
	uint32_t queue = in_queue(agent_port);
	uint32_t slot, bytes;

	while (queue_take(queue, &slot, &bytes)) {
		agent_take(buffers[queue][slot], bytes);
		queue_put(queue, slot, BUFFER_BYTES, DESC_WRITE);
	}
}

/* ---- what is offered ------------------------------------------------------ */

static bool
is_time(uint32_t from_s)
{
	return irq_ticks() >= nano_seconds_to_ticks(from_s);
}

void
channel_serve(void)
{
	static bool is_agent_open, is_heartbeat_open;
	static const char beat[] = "ok\n";

	if (!base) {
		return;
	}
	control_serve();
	if (agent_port && agent_from_s && is_time(agent_from_s)) {
		if (!is_agent_open) {
			is_agent_open = true;
			port_open(agent_port);
			say("nano: agent open\n");
		}
		agent_serve();
	}
	if (!heartbeat_port || !heartbeat_from_s ||
	    !is_time(heartbeat_from_s)) {
		return;
	}
	if (!is_heartbeat_open) {
		is_heartbeat_open = true;
		port_open(heartbeat_port);
	}
	if (irq_ticks() >= beat_ticks) {
		beat_ticks = irq_ticks() + nano_seconds_to_ticks(1);
		send(in_queue(heartbeat_port) + 1, beat, sizeof(beat) - 1);
	}
}

void
channel_init(const struct options *options)
{
	uint32_t slot = 0;

	agent_from_s = options->agent_s;
	heartbeat_from_s = options->heartbeat_s;
	is_agent_dumb = options->agent_dumb;
	if (!agent_from_s && !heartbeat_from_s) {
		return;
	}
	while (slot < PCI_SLOTS && pci_read(slot, 0) != PCI_ID_CONSOLE) {
		slot++;
	}
	if (slot == PCI_SLOTS) {
		say("nano: no channels\n");
		return;
	}
	base = (uint16_t)(pci_read(slot, PCI_BAR0) & 0xfffcu);
	outl(PCI_ADDRESS, 0x80000000u | slot << 11 | PCI_COMMAND);
	outl(PCI_DATA, pci_read(slot, PCI_COMMAND) | PCI_COMMAND_ON);
	outb((uint16_t)(base + REG_STATUS), 0);
	outb((uint16_t)(base + REG_STATUS), STATUS_SEEN);
	outl((uint16_t)(base + REG_GUEST_FEATURES), FEATURE_MULTIPORT);
	for (uint32_t i = 0; i < QUEUES; i++) {
		if (!queue_init(i)) {
			say("nano: channel queue %u has no room\n", i);
			base = 0;
			return;
		}
	}
	outb((uint16_t)(base + REG_STATUS), STATUS_READY);
	queue_fill(QUEUE_CONTROL_IN);
	control_send(0, CONTROL_READY, 1);
}
