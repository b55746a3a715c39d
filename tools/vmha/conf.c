/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha.conf as a file: read whole, and replaced at once by a complete new
 * one, so that neither a full disk nor a lost power leaves half a
 * configuration. An edit changes the datastores= line and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "vmha.h"

#define STDIN_PATH "/dev/stdin"
#define CONF_BYTES_MAX 65536u
#define CONF_HEAD                                                                       \
	"# The heartbeat of this host's cluster, see vmha.conf(5). The same on\n"       \
	"# every host. fence_limit is taken over by a reload of vmha-heartbeatd, all\n" \
	"# else when it starts.\n"

const char *
vmha_input_path(const char *path)
{
	return strcmp(path, "-") == 0 ? STDIN_PATH : path;
}

int
vmha_file_read(const char *path, size_t max, char **ret_text, size_t *ret_len,
	       struct ha_err *err)
{
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ha_autofree char *text = malloc(max + 1);
	size_t used = 0;

	if (fd < 0) {
		return ha_err_set(err, -errno, "can't read %s: %s", path,
				  strerror(errno));
	}
	if (!text) {
		return ha_err_set(err, -ENOMEM, "no memory to read %s", path);
	}
	while (used < max) {
		ssize_t n = read(fd, text + used, max - used);

		if (n == 0) {
			break;
		}
		if (n < 0 && errno != EINTR) {
			return ha_err_set(err, -errno, "can't read %s: %s",
					  path, strerror(errno));
		}
		used += n > 0 ? (size_t)n : 0;
	}
	if (used == max) {
		return ha_err_set(err, -EFBIG,
				  "%s has %zu bytes or more: that is not what "
				  "is expected there",
				  path, max);
	}
	text[used] = '\0';
	*ret_text = ha_steal_ptr(&text);
	*ret_len = used;
	return 0;
}

static int
write_whole(const char *path, const char *text)
{
	size_t len = strlen(text);
	size_t done = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int rc = fd < 0 ? -errno : 0;

	while (rc == 0 && done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR) {
			rc = -errno;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	if (rc == 0 && fsync(fd) < 0) {
		rc = -errno;
	}
	if (fd >= 0 && close(fd) < 0 && rc == 0) {
		rc = -errno;
	}
	return rc;
}

int
vmha_file_replace(const char *path, const char *text, struct ha_err *err)
{
	char next[PATH_MAX];
	char folder[PATH_MAX];
	ha_autoclose int fd = -1;
	int n = snprintf(next, sizeof(next), "%s.new", path);
	int rc;

	if (n < 0 || (size_t)n >= sizeof(next)) {
		return ha_err_set(err, -ENAMETOOLONG, "%s is too long a path",
				  path);
	}
	(void)ha_text_copy(folder, sizeof(folder), path);
	if (mkdir(dirname(folder), 0755) < 0 && errno != EEXIST) {
		return ha_err_set(err, -errno, "can't make %s: %s", folder,
				  strerror(errno));
	}
	(void)ha_text_copy(folder, sizeof(folder), path);
	rc = write_whole(next, text);
	if (rc == 0 && rename(next, path) < 0) {
		rc = -errno;
	}
	if (rc < 0) {
		(void)unlink(next);
		return ha_err_set(err, rc,
				  "can't write %s: %s; it is as it was", path,
				  strerror(-rc));
	}
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0) {
		return ha_err_set(err, -errno,
				  "%s is written, but may be lost with the "
				  "power: %s",
				  path, strerror(errno));
	}
	return 0;
}

int
vmha_conf_read(const struct vmha *v, struct ha_hbconf *ret_conf,
	       struct ha_err *err)
{
	ha_autofree char *text = NULL;
	size_t len = 0;
	int rc = vmha_file_read(v->args.conf, CONF_BYTES_MAX, &text, &len, err);

	if (rc == -ENOENT) {
		return ha_err_set(err, rc,
				  "there is no %s; \"vmha heartbeat create "
				  "--write-conf\" writes it, or copy it from "
				  "another host",
				  v->args.conf);
	}
	if (rc < 0) {
		return rc;
	}
	rc = ha_hbconf_parse(text, len, ret_conf, err);
	return rc < 0 ? ha_err_prefix(err, rc, "%s: ", v->args.conf) : 0;
}

static void
put_stores(FILE *out, const char *const *stores, uint32_t count)
{
	fputs("datastores=", out);
	for (uint32_t i = 0; i < count; i++) {
		fprintf(out, "%s%s", i ? ";" : "", stores[i]);
	}
	fputc('\n', out);
}

static bool
is_stores_line(const char *line)
{
	static const char KEY[] = "datastores";

	line += strspn(line, " \t");
	if (strncmp(line, KEY, sizeof(KEY) - 1) != 0) {
		return false;
	}
	line += sizeof(KEY) - 1;
	return line[strspn(line, " \t")] == '=';
}

static void
put_edited(FILE *out, const char *old, const char *const *stores,
	   uint32_t count)
{
	bool is_done = false;

	while (*old) {
		size_t len = strcspn(old, "\n");

		if (is_stores_line(old)) {
			if (!is_done) {
				put_stores(out, stores, count);
			}
			is_done = true;
		} else {
			fprintf(out, "%.*s\n", (int)len, old);
		}
		if (!is_done && strncmp(old, "[heartbeat]", 11) == 0 &&
		    !strstr(old, "\ndatastores")) {
			put_stores(out, stores, count);
			is_done = true;
		}
		old += len + (old[len] == '\n');
	}
	if (!is_done) {
		fputs("[heartbeat]\n", out);
		put_stores(out, stores, count);
	}
}

char *
vmha_conf_text(const char *old, const char *const *stores, uint32_t count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		return NULL;
	}
	if (old) {
		put_edited(out, old, stores, count);
	} else {
		fputs(CONF_HEAD "[heartbeat]\n", out);
		put_stores(out, stores, count);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int
vmha_conf_write(const struct vmha *v, const char *const *stores, uint32_t count,
		struct ha_err *err)
{
	ha_autofree char *old = NULL;
	ha_autofree char *text = NULL;
	struct ha_hbconf conf;
	size_t len = 0;
	int rc = vmha_file_read(v->args.conf, CONF_BYTES_MAX, &old, &len, err);

	if (rc < 0 && rc != -ENOENT) {
		return rc;
	}
	text = vmha_conf_text(old, stores, count);
	if (!text) {
		return ha_err_set(err, -ENOMEM, "no memory for %s",
				  v->args.conf);
	}
	/* What the daemon would refuse is not written. */
	rc = ha_hbconf_parse(text, strlen(text), &conf, err);
	if (rc < 0) {
		return ha_err_prefix(err, rc,
				     "%s is not written: ", v->args.conf);
	}
	return vmha_file_replace(v->args.conf, text, err);
}
