// SPDX-License-Identifier: LGPL-2.1-or-later
/* Makes a tree like /sys: mktree DIR PFS VFS_PER_PF [gaps] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/tree.h"

int main(int argc, char **argv)
{
	struct tree tree = {0};

	if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "gaps") != 0)) {
		(void)fprintf(stderr, "usage: mktree DIR PFS VFS_PER_PF [gaps]\n");
		return 2;
	}
	tree.dir = argv[1];
	tree.pfs = (unsigned)strtoul(argv[2], NULL, 10);
	tree.vfs = (unsigned)strtoul(argv[3], NULL, 10);
	tree.gaps = argc == 5;
	tree_make(&tree);
	return 0;
}
