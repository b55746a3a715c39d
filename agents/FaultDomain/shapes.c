/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See shapes.h. A child process looks at a few files at once and sends those
 * that have changed; if it hangs, each of them is looked at by itself, and
 * after some that hang the rest of the round is left for the next one. What
 * was known before then still counts.
 */
#include "FaultDomain/shapes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "FaultDomain/fdm_timeouts.h"
#include "ha/clock.h"
#include "ha/domain.h"
#include "ha/worker.h"

#define BATCH_MAX 32u
#define HANGS_MAX 3u /* files of a round that hang, before it is ended */
/* A domain XML has some KiB; one of the largest size is read by itself. */
#define BATCH_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define CHUNK_BYTES 4096
#define IDLE_STOCKS 10u /* not asked for by so many stocks: forgotten */

/* What tells a file from the one that was read. */
struct stamp {
	int64_t mtime_s, mtime_ns;
	int64_t size;
	uint64_t inode;
};

/* One path: as main knows it, and as a round carries it. */
struct shape {
	char *path;
	int code; /* 0: `shape` counts; -EINPROGRESS: not answered yet */
	struct stamp stamp;
	struct ha_demand_shape shape;
	uint64_t since_ms;
	uint64_t asked; /* by which stock, last */
};

struct round {
	struct fdm_shapes *shapes;
	GPtrArray *all; /* of struct shape, copies */
	size_t size;    /* begun with */
};

struct fdm_shapes {
	GMainContext *context;
	GAsyncQueue *queue;
	GHashTable *known; /* path -> struct shape */
	uint64_t number;
	uint64_t stocks;
	uint64_t due_ms;
	bool is_new; /* a path is */
	bool is_busy;
	uint64_t overdue_ms; /* an answer changes by then: UNKNOWN; 0: none */
};

static void
shape_free(gpointer data)
{
	struct shape *shape = data;

	g_free(shape->path);
	g_free(shape);
}

static void
round_free(gpointer data)
{
	struct round *round = data;

	g_ptr_array_unref(round->all);
	g_free(round);
}

/* ---- in the child ---------------------------------------------------------- */

struct batch {
	struct shape **shapes;
	size_t count;
};

/* Before the text of each file. */
struct head {
	int code; /* 0; 1: as it was; negative errno */
	struct stamp stamp;
	uint64_t bytes;
};
#define SAME 1

static int
take_stamp(int file, struct stamp *ret_stamp)
{
	struct stat st;

	if (fstat(file, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return -EINVAL;
	}
	if (st.st_size > (off_t)HA_DOMAIN_XML_MAX) {
		return -E2BIG;
	}
	memset(ret_stamp, 0, sizeof(*ret_stamp));
	ret_stamp->mtime_s = st.st_mtim.tv_sec;
	ret_stamp->mtime_ns = st.st_mtim.tv_nsec;
	ret_stamp->size = st.st_size;
	ret_stamp->inode = st.st_ino;
	return 0;
}

/* As many bytes as were told, whatever becomes of the file meanwhile: a torn
 * one is no domain XML, and is read again with its next stamp. */
static int
send_text(int file, int fd, uint64_t bytes)
{
	char chunk[CHUNK_BYTES];
	int rc = 0;

	while (rc == 0 && bytes > 0) {
		size_t want = MIN(bytes, sizeof(chunk));
		ssize_t n = read(file, chunk, want);

		if (n <= 0) {
			memset(chunk, 0, want);
			n = (ssize_t)want;
		}
		rc = ha_worker_write(fd, chunk, (size_t)n);
		bytes -= (uint64_t)n;
	}
	return rc;
}

static int
send_one(const struct shape *shape, int fd)
{
	struct head head;
	int file = open(shape->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	memset(&head, 0, sizeof(head));
	head.code = file < 0 ? -errno : take_stamp(file, &head.stamp);
	if (head.code == 0) {
		bool is_same =
			shape->code == 0 && memcmp(&head.stamp, &shape->stamp,
						   sizeof(head.stamp)) == 0;

		head.code = is_same ? SAME : 0;
		head.bytes = is_same ? 0 : (uint64_t)head.stamp.size;
	}
	rc = ha_worker_write(fd, &head, sizeof(head));
	if (rc == 0 && head.bytes > 0) {
		rc = send_text(file, fd, head.bytes);
	}
	if (file >= 0) {
		(void)close(file);
	}
	return rc;
}

static int
send_batch(void *arg, int fd)
{
	const struct batch *batch = arg;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < batch->count; i++) {
		rc = send_one(batch->shapes[i], fd);
	}
	return rc;
}

/* ---- in the thread ---------------------------------------------------------- */

static void
take_text(struct shape *shape, const struct head *head, const char *text)
{
	struct ha_domain *domain;

	if (head->code == SAME) {
		return;
	}
	/* What was read once counts on: the share may only be away. */
	if (head->code < 0) {
		shape->code = shape->code == 0 ? 0 : head->code;
		return;
	}
	domain = g_new0(struct ha_domain, 1);
	shape->code = ha_domain_parse(text, (size_t)head->bytes, domain, NULL);
	shape->stamp = head->stamp;
	shape->shape = (struct ha_demand_shape){
		.memory_mb = domain->memory_mib,
		.guarantee_mb = domain->guarantee_mib,
		.video_mb = domain->video_mib,
		.vcpus = domain->vcpus,
		.iothreads = domain->iothreads,
		.is_pinned = domain->is_pinned,
	};
	g_free(domain);
}

static void
take_batch(const struct batch *batch, const char *text, size_t len)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct head head;

		if (len < sizeof(head)) {
			return;
		}
		memcpy(&head, text, sizeof(head));
		text += sizeof(head);
		len -= sizeof(head);
		if (head.bytes > len) {
			return;
		}
		take_text(batch->shapes[i], &head, text);
		text += head.bytes;
		len -= (size_t)head.bytes;
	}
}

/* 0; negative errno: nothing of it was taken. */
static int
read_batch(struct batch *batch, uint64_t limit_ms)
{
	char *text = NULL;
	size_t len = 0;
	int rc = ha_worker_run(send_batch, batch, BATCH_BYTES_MAX,
			       ha_clock_now_ms() + limit_ms, &text, &len);

	if (rc == 0) {
		take_batch(batch, text, len);
	}
	free(text);
	return rc;
}

static void
read_round(struct round *round)
{
	struct shape **all = (struct shape **)round->all->pdata;
	uint32_t hangs = 0;

	for (size_t i = 0; i < round->size && hangs < HANGS_MAX;) {
		struct batch batch = { &all[i],
				       MIN(BATCH_MAX, round->size - i) };
		size_t end = i + batch.count;
		bool is_bad = read_batch(&batch, FDM_SHAPES_MS) < 0;

		for (; is_bad && i < end && hangs < HANGS_MAX; i++) {
			struct batch one = { &all[i], 1 };
			int rc = read_batch(&one, FDM_SHAPE_MS);

			if (rc < 0 && all[i]->code != 0) {
				all[i]->code = rc;
			}
			hangs += rc == -ETIMEDOUT;
		}
		i = end;
	}
	/* Not looked at. */
	for (size_t i = 0; i < round->size; i++) {
		if (all[i]->code == -EINPROGRESS) {
			all[i]->code = -ETIMEDOUT;
		}
	}
}

static gboolean on_round(gpointer data);

static gpointer
thread_main(gpointer data)
{
	struct fdm_shapes *shapes = data;

	/* Without end: it ends with the process. */
	for (;;) {
		struct round *round = g_async_queue_pop(shapes->queue);
		GSource *source = g_idle_source_new();

		read_round(round);
		g_source_set_priority(source, G_PRIORITY_DEFAULT);
		g_source_set_callback(source, on_round, round, round_free);
		(void)g_source_attach(source, shapes->context);
		g_source_unref(source);
	}
	return NULL;
}

/* ---- in main ---------------------------------------------------------------- */

static gboolean
on_round(gpointer data)
{
	const struct round *round = data;
	struct fdm_shapes *shapes = round->shapes;

	shapes->is_busy = false;
	for (guint i = 0; i < round->all->len; i++) {
		const struct shape *now = g_ptr_array_index(round->all, i);
		struct shape *old =
			g_hash_table_lookup(shapes->known, now->path);

		if (!old) {
			continue;
		}
		if (old->code != now->code ||
		    memcmp(&old->stamp, &now->stamp, sizeof(old->stamp)) != 0) {
			shapes->number++;
		}
		old->code = now->code;
		old->stamp = now->stamp;
		old->shape = now->shape;
	}
	return G_SOURCE_REMOVE;
}

struct fdm_shapes *
fdm_shapes_new(GMainContext *context, struct ha_err *err)
{
	struct fdm_shapes *shapes = g_new0(struct fdm_shapes, 1);
	GError *problem = NULL;
	GThread *thread;

	shapes->context = context;
	shapes->number = 1;
	shapes->queue = g_async_queue_new();
	shapes->known = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					      shape_free);
	thread = g_thread_try_new("shapes", thread_main, shapes, &problem);
	if (!thread) {
		(void)ha_err_set(err, -EAGAIN, "can't begin a thread: %s",
				 problem->message);
		g_error_free(problem);
		g_hash_table_destroy(shapes->known);
		g_async_queue_unref(shapes->queue);
		g_free(shapes);
		return NULL;
	}
	g_thread_unref(thread);
	return shapes;
}

uint64_t
fdm_shapes_number(const struct fdm_shapes *shapes)
{
	return shapes ? shapes->number : 0;
}

static struct shape *
find(struct fdm_shapes *shapes, const char *path, uint64_t now_ms)
{
	struct shape *shape = g_hash_table_lookup(shapes->known, path);

	if (!shape) {
		shape = g_new0(struct shape, 1);
		shape->path = g_strdup(path);
		shape->code = -EINPROGRESS;
		shape->since_ms = now_ms;
		g_hash_table_insert(shapes->known, shape->path, shape);
		shapes->is_new = true;
	}
	shape->asked = shapes->stocks;
	return shape;
}

void
fdm_shapes_begin(struct fdm_shapes *shapes)
{
	if (shapes) {
		shapes->stocks++;
	}
}

enum fdm_shape_state
fdm_shapes_get(struct fdm_shapes *shapes, const char *path, uint64_t now_ms,
	       struct ha_demand_shape *ret_shape, const char **ret_why)
{
	struct shape *shape = find(shapes, path, now_ms);
	uint64_t late_ms = shape->since_ms + FDM_SHAPES_MS;

	if (shape->code == 0) {
		*ret_shape = shape->shape;
		return FDM_SHAPE_READ;
	}
	if (shape->code == -EINPROGRESS && now_ms < late_ms) {
		if (shapes->overdue_ms == 0 || late_ms < shapes->overdue_ms) {
			shapes->overdue_ms = late_ms;
		}
		return FDM_SHAPE_COMING;
	}
	*ret_why = shape->code == -EINPROGRESS || shape->code == -ETIMEDOUT ?
			   "is not read in time, its storage hangs" :
		   shape->code == -EINVAL ? "is no domain XML" :
					    g_strerror(-shape->code);
	return FDM_SHAPE_UNKNOWN;
}

static gboolean
is_idle(gpointer key, gpointer value, gpointer data)
{
	const struct fdm_shapes *shapes = data;

	(void)key;
	return shapes->stocks - ((const struct shape *)value)->asked >
	       IDLE_STOCKS;
}

static void
begin_round(struct fdm_shapes *shapes)
{
	struct round *round = g_new0(struct round, 1);
	GHashTableIter iter;
	gpointer value;

	(void)g_hash_table_foreach_remove(shapes->known, is_idle, shapes);
	round->shapes = shapes;
	round->all = g_ptr_array_new_with_free_func(shape_free);
	g_hash_table_iter_init(&iter, shapes->known);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct shape *shape = value;
		struct shape *copy = g_memdup2(shape, sizeof(*shape));

		copy->path = g_strdup(shape->path);
		g_ptr_array_add(round->all, copy);
	}
	round->size = round->all->len;
	g_async_queue_push(shapes->queue, round);
}

void
fdm_shapes_tick(struct fdm_shapes *shapes, uint64_t now_ms)
{
	if (shapes->overdue_ms != 0 && now_ms >= shapes->overdue_ms) {
		shapes->overdue_ms = 0;
		shapes->number++;
	}
	if (shapes->is_busy || (!shapes->is_new && now_ms < shapes->due_ms) ||
	    g_hash_table_size(shapes->known) == 0) {
		return;
	}
	shapes->is_busy = true;
	shapes->is_new = false;
	shapes->due_ms = now_ms + FDM_SHAPES_LOOK_MS;
	begin_round(shapes);
}
