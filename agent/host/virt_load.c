// SPDX-License-Identifier: LGPL-2.1-or-later
/* Here libvirt's names are names, and no calls. */
#define VIRT_LOAD_TABLE_ONLY
#include "host/virt_load.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "host/virt.h"

#define LIBVIRT_SONAME "libvirt.so.0"

struct libvirt_table libvirt;

#define LIBVIRT_NAME(name) {#name, offsetof(struct libvirt_table, name)},
static const struct {
	const char *name;
	size_t place;
} names[] = {LIBVIRT_NAMES(LIBVIRT_NAME)};

int virt_load(struct err **err)
{
	static void *library;
	void *loaded = library;

	/* Lazily, as if it were linked: most of what it could call is never called. */
	if (!library)
		loaded = dlopen(LIBVIRT_SONAME, RTLD_LAZY);
	if (!loaded) {
		(void)err_set(err, ERR_FAILED, "cannot load libvirt: %s", dlerror());
		return err_next(err, "install libvirt's client library (Debian: libvirt0)");
	}
	for (size_t i = 0; !library && i < sizeof(names) / sizeof(*names); i++) {
		void *symbol = dlsym(loaded, names[i].name);

		if (!symbol) {
			err_set(err, ERR_UNSUPPORTED, "this libvirt has no %s: it is too old",
				names[i].name);
			(void)dlclose(loaded);
			return -1;
		}
		memcpy((char *)&libvirt + names[i].place, &symbol, sizeof(symbol));
	}
	library = loaded;
	return 0;
}
