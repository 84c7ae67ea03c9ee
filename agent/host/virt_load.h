/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt is loaded when it is first needed: with the forty libraries below it, that takes longer
 * than all else of a `vfpool list --no-guests` (virt_load() in host/virt.h). For virt*.c only; from
 * here on libvirt's names mean what was loaded.
 */
#ifndef VFPOOL_HOST_VIRT_LOAD_H
#define VFPOOL_HOST_VIRT_LOAD_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "core/err.h"

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
	X(virDomainAbortJob)                  \
	X(virDomainAttachDeviceFlags)         \
	X(virDomainDetachDeviceAlias)         \
	X(virDomainDetachDeviceFlags)         \
	X(virDomainFree)                      \
	X(virDomainGetID)                     \
	X(virDomainGetJobStats)               \
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
	X(virDomainMigrate3)                  \
	X(virDomainMigrateStartPostCopy)      \
	X(virDomainMigrateToURI3)             \
	X(virDomainRef)                       \
	X(virDomainRestoreFlags)              \
	X(virDomainRevertToSnapshot)          \
	X(virDomainSaveFlags)                 \
	X(virDomainSaveImageGetXMLDesc)       \
	X(virDomainSetMetadata)               \
	X(virDomainSnapshotCreateXML)         \
	X(virDomainSnapshotCurrent)           \
	X(virDomainSnapshotFree)              \
	X(virDomainSnapshotGetName)           \
	X(virDomainSnapshotLookupByName)      \
	X(virDomainSuspend)                   \
	X(virEventAddTimeout)                 \
	X(virEventRegisterDefaultImpl)        \
	X(virEventRegisterImpl)               \
	X(virEventRemoveTimeout)              \
	X(virEventRunDefaultImpl)             \
	X(virFreeError)                       \
	X(virNetworkCreate)                   \
	X(virNetworkDefineXML)                \
	X(virNetworkDestroy)                  \
	X(virNetworkFree)                     \
	X(virNetworkGetXMLDesc)               \
	X(virNetworkIsActive)                 \
	X(virNetworkLookupByName)             \
	X(virResetLastError)                  \
	X(virSaveLastError)                   \
	X(virSetErrorFunc)                    \
	X(virTypedParamsAddInt)               \
	X(virTypedParamsAddString)            \
	X(virTypedParamsAddULLong)            \
	X(virTypedParamsFree)                 \
	X(virTypedParamsGetInt)               \
	X(virTypedParamsGetULLong)

#define LIBVIRT_POINTER(name) __typeof__(name) *name;
extern struct libvirt_table {
	LIBVIRT_NAMES(LIBVIRT_POINTER)
} libvirt;

#ifndef VIRT_LOAD_TABLE_ONLY
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
#define virDomainAbortJob libvirt.virDomainAbortJob
#define virDomainAttachDeviceFlags libvirt.virDomainAttachDeviceFlags
#define virDomainDetachDeviceAlias libvirt.virDomainDetachDeviceAlias
#define virDomainDetachDeviceFlags libvirt.virDomainDetachDeviceFlags
#define virDomainFree libvirt.virDomainFree
#define virDomainGetID libvirt.virDomainGetID
#define virDomainGetJobStats libvirt.virDomainGetJobStats
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
#define virDomainMigrate3 libvirt.virDomainMigrate3
#define virDomainMigrateStartPostCopy libvirt.virDomainMigrateStartPostCopy
#define virDomainMigrateToURI3 libvirt.virDomainMigrateToURI3
#define virDomainRef libvirt.virDomainRef
#define virDomainRestoreFlags libvirt.virDomainRestoreFlags
#define virDomainRevertToSnapshot libvirt.virDomainRevertToSnapshot
#define virDomainSaveFlags libvirt.virDomainSaveFlags
#define virDomainSaveImageGetXMLDesc libvirt.virDomainSaveImageGetXMLDesc
#define virDomainSetMetadata libvirt.virDomainSetMetadata
#define virDomainSnapshotCreateXML libvirt.virDomainSnapshotCreateXML
#define virDomainSnapshotCurrent libvirt.virDomainSnapshotCurrent
#define virDomainSnapshotFree libvirt.virDomainSnapshotFree
#define virDomainSnapshotGetName libvirt.virDomainSnapshotGetName
#define virDomainSnapshotLookupByName libvirt.virDomainSnapshotLookupByName
#define virDomainSuspend libvirt.virDomainSuspend
#define virEventAddTimeout libvirt.virEventAddTimeout
#define virEventRegisterDefaultImpl libvirt.virEventRegisterDefaultImpl
#define virEventRegisterImpl libvirt.virEventRegisterImpl
#define virEventRemoveTimeout libvirt.virEventRemoveTimeout
#define virEventRunDefaultImpl libvirt.virEventRunDefaultImpl
#define virFreeError libvirt.virFreeError
#define virNetworkCreate libvirt.virNetworkCreate
#define virNetworkDefineXML libvirt.virNetworkDefineXML
#define virNetworkDestroy libvirt.virNetworkDestroy
#define virNetworkFree libvirt.virNetworkFree
#define virNetworkGetXMLDesc libvirt.virNetworkGetXMLDesc
#define virNetworkIsActive libvirt.virNetworkIsActive
#define virNetworkLookupByName libvirt.virNetworkLookupByName
#define virResetLastError libvirt.virResetLastError
#define virSaveLastError libvirt.virSaveLastError
#define virSetErrorFunc libvirt.virSetErrorFunc
#define virTypedParamsAddInt libvirt.virTypedParamsAddInt
#define virTypedParamsAddString libvirt.virTypedParamsAddString
#define virTypedParamsAddULLong libvirt.virTypedParamsAddULLong
#define virTypedParamsFree libvirt.virTypedParamsFree
#define virTypedParamsGetInt libvirt.virTypedParamsGetInt
#define virTypedParamsGetULLong libvirt.virTypedParamsGetULLong
#endif

#endif
