/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds every file of the folders given to a fuzz target, without libFuzzer:
 * what was found once is tested for ever, also where there is no clang. An
 * empty folder is a failure, since it tests nothing.
 */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

#define INPUT_MAX_BYTES (1024 * 1024)

static int
replay_file(const char *path)
{
	ha_autofree uint8_t *data = malloc(INPUT_MAX_BYTES);
	ha_autofree uint8_t *exact = NULL;
	ha_autofile FILE *file = fopen(path, "rbe");
	size_t size;

	if (!data || !file) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, INPUT_MAX_BYTES, file);
	exact = malloc(size ? size : 1);
	if (!exact) {
		return -1;
	}
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	return 0;
}

static int
replay_folder(const char *folder)
{
	char path[4096];
	int count = 0;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir) {
		perror(folder);
		return -1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (replay_file(path) < 0) {
			closedir(dir);
			return -1;
		}
		count++;
	}
	closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count <= 0) {
			fprintf(stderr, "%s: no inputs\n", argv[i]);
			return 1;
		}
		total += count;
		printf("%s: %d inputs replayed\n", argv[i], count);
	}
	return total > 0 ? 0 : 1;
}
