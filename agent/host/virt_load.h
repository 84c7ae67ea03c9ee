/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt is loaded when it is first needed: with the forty libraries below it, that takes longer
 * than all else of a `vfpool list --no-guests`. For virt.c only, behind libvirt's own headers;
 * from here on libvirt's names mean what was loaded.
 */
#ifndef VFPOOL_HOST_VIRT_LOAD_H
#define VFPOOL_HOST_VIRT_LOAD_H

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "core/err.h"

#define LIBVIRT_SONAME "libvirt.so.0"

#define LIBVIRT_NAMES(X)                      \
	X(virConnectAuthPtrDefault)           \
	X(virConnectClose)                    \
	X(virConnectDomainEventDeregisterAny) \
	X(virConnectDomainEventRegisterAny)   \
	X(virConnectGetLibVersion)            \
	X(virConnectGetType)                  \
	X(virConnectGetURI)                   \
	X(virConnectGetVersion)               \
	X(virConnectIsAlive)                  \
	X(virConnectListAllDomains)           \
	X(virConnectOpenAuth)                 \
	X(virConnectRegisterCloseCallback)    \
	X(virConnectSetKeepAlive)             \
	X(virConnectUnregisterCloseCallback)  \
	X(virDomainAttachDeviceFlags)         \
	X(virDomainDetachDeviceAlias)         \
	X(virDomainDetachDeviceFlags)         \
	X(virDomainFree)                      \
	X(virDomainGetID)                     \
	X(virDomainGetName)                   \
	X(virDomainGetState)                  \
	X(virDomainGetUUIDString)             \
	X(virDomainGetXMLDesc)                \
	X(virDomainIsActive)                  \
	X(virDomainIsPersistent)              \
	X(virDomainLookupByID)                \
	X(virDomainLookupByName)              \
	X(virDomainLookupByUUIDString)        \
	X(virDomainManagedSave)               \
	X(virDomainRestoreFlags)              \
	X(virDomainSaveFlags)                 \
	X(virDomainSaveImageGetXMLDesc)       \
	X(virDomainSetMetadata)               \
	X(virEventRegisterDefaultImpl)        \
	X(virEventRunDefaultImpl)             \
	X(virFreeError)                       \
	X(virResetLastError)                  \
	X(virSaveLastError)                   \
	X(virSetErrorFunc)

#define LIBVIRT_POINTER(name) __typeof__(name) *name;
static struct {
	LIBVIRT_NAMES(LIBVIRT_POINTER)
} libvirt;

#define LIBVIRT_NAME(name) {#name, offsetof(__typeof__(libvirt), name)},
static const struct {
	const char *name;
	size_t place;
} libvirt_names[] = {LIBVIRT_NAMES(LIBVIRT_NAME)};

/* Before any other use of libvirt; again: does nothing. It is never unloaded. */
static int libvirt_load(struct err **err)
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
	for (size_t i = 0; !library && i < sizeof(libvirt_names) / sizeof(*libvirt_names); i++) {
		void *symbol = dlsym(loaded, libvirt_names[i].name);

		if (!symbol) {
			err_set(err, ERR_UNSUPPORTED, "this libvirt has no %s: it is too old",
				libvirt_names[i].name);
			(void)dlclose(loaded);
			return -1;
		}
		memcpy((char *)&libvirt + libvirt_names[i].place, &symbol, sizeof(symbol));
	}
	library = loaded;
	return 0;
}

#define virConnectAuthPtrDefault (*libvirt.virConnectAuthPtrDefault)
#define virConnectClose libvirt.virConnectClose
#define virConnectDomainEventDeregisterAny libvirt.virConnectDomainEventDeregisterAny
#define virConnectDomainEventRegisterAny libvirt.virConnectDomainEventRegisterAny
#define virConnectGetLibVersion libvirt.virConnectGetLibVersion
#define virConnectGetType libvirt.virConnectGetType
#define virConnectGetURI libvirt.virConnectGetURI
#define virConnectGetVersion libvirt.virConnectGetVersion
#define virConnectIsAlive libvirt.virConnectIsAlive
#define virConnectListAllDomains libvirt.virConnectListAllDomains
#define virConnectOpenAuth libvirt.virConnectOpenAuth
#define virConnectRegisterCloseCallback libvirt.virConnectRegisterCloseCallback
#define virConnectSetKeepAlive libvirt.virConnectSetKeepAlive
#define virConnectUnregisterCloseCallback libvirt.virConnectUnregisterCloseCallback
#define virDomainAttachDeviceFlags libvirt.virDomainAttachDeviceFlags
#define virDomainDetachDeviceAlias libvirt.virDomainDetachDeviceAlias
#define virDomainDetachDeviceFlags libvirt.virDomainDetachDeviceFlags
#define virDomainFree libvirt.virDomainFree
#define virDomainGetID libvirt.virDomainGetID
#define virDomainGetName libvirt.virDomainGetName
#define virDomainGetState libvirt.virDomainGetState
#define virDomainGetUUIDString libvirt.virDomainGetUUIDString
#define virDomainGetXMLDesc libvirt.virDomainGetXMLDesc
#define virDomainIsActive libvirt.virDomainIsActive
#define virDomainIsPersistent libvirt.virDomainIsPersistent
#define virDomainLookupByID libvirt.virDomainLookupByID
#define virDomainLookupByName libvirt.virDomainLookupByName
#define virDomainLookupByUUIDString libvirt.virDomainLookupByUUIDString
#define virDomainManagedSave libvirt.virDomainManagedSave
#define virDomainRestoreFlags libvirt.virDomainRestoreFlags
#define virDomainSaveFlags libvirt.virDomainSaveFlags
#define virDomainSaveImageGetXMLDesc libvirt.virDomainSaveImageGetXMLDesc
#define virDomainSetMetadata libvirt.virDomainSetMetadata
#define virEventRegisterDefaultImpl libvirt.virEventRegisterDefaultImpl
#define virEventRunDefaultImpl libvirt.virEventRunDefaultImpl
#define virFreeError libvirt.virFreeError
#define virResetLastError libvirt.virResetLastError
#define virSaveLastError libvirt.virSaveLastError
#define virSetErrorFunc libvirt.virSetErrorFunc

#endif
