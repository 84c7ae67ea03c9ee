// SPDX-License-Identifier: LGPL-2.1-or-later
/* Networks: the one that libvirt keeps for us, and shows to other hosts; and those of others. */
#include "core/mem.h"
#include "host/virt_connection.h"
#include "model/report.h"

static void network_free(virNetworkPtr *network)
{
	if (*network)
		(void)virNetworkFree(*network);
}
#define cleanup_network cleanup(network_free)

/* "no driver is loaded" comes from libvirt as lack of support, without saying of what. */
static int network_failed(struct virt *virt, const char *name, const char *doing, struct err **err)
{
	cleanup_virt_error virErrorPtr error = virt_last_error();

	if (error->code == VIR_ERR_NO_NETWORK)
		return err_set(err, ERR_ABSENT, "libvirt there has no network %s", name);
	virt_failed((struct connection *)virt, error, "", err);
	if (error->code == VIR_ERR_NO_SUPPORT)
		(void)err_next(err, "libvirt needs its network driver there (Debian: "
				    "libvirt-daemon-driver-network; virtnetworkd.socket)");
	return err_wrap(err, "%s network %s", doing, name);
}

static virNetworkPtr look_up(struct virt *virt, const char *name, const char *doing,
			     struct err **err)
{
	virNetworkPtr network = virNetworkLookupByName(conn_of(virt), name);

	if (!network)
		(void)network_failed(virt, name, doing, err);
	return network;
}

int virt_published(struct virt *virt, char **xml, bool *active, struct err **err)
{
	cleanup_network virNetworkPtr network = look_up(virt, REPORT_NETWORK, "reading", err);
	int is_active;
	char *text;

	if (!network)
		return -1;
	is_active = virNetworkIsActive(network);
	text = is_active < 0 ? NULL : virNetworkGetXMLDesc(network, VIR_NETWORK_XML_INACTIVE);
	if (!text)
		return network_failed(virt, REPORT_NETWORK, "reading", err);
	*xml = text;
	*active = is_active;
	return 0;
}

int virt_publish(struct virt *virt, const char *xml, struct err **err)
{
	cleanup_network virNetworkPtr network = virNetworkDefineXML(conn_of(virt), xml);
	int is_active;

	if (!network)
		return network_failed(virt, REPORT_NETWORK, "defining", err);
	is_active = virNetworkIsActive(network);
	if (is_active < 0 || (!is_active && virNetworkCreate(network) < 0))
		return network_failed(virt, REPORT_NETWORK, "starting", err);
	return 0;
}

int virt_withdraw(struct virt *virt, struct err **err)
{
	cleanup_network virNetworkPtr network = look_up(virt, REPORT_NETWORK, "stopping", err);
	int is_active;

	if (!network)
		return -1;
	is_active = virNetworkIsActive(network);
	if (is_active < 0 || (is_active && virNetworkDestroy(network) < 0))
		return network_failed(virt, REPORT_NETWORK, "stopping", err);
	return 0;
}

int virt_network(struct virt *virt, const char *name, char **xml, bool *active,
		 unsigned long *version, struct err **err)
{
	cleanup_network virNetworkPtr network = look_up(virt, name, "reading", err);
	int is_active;
	char *text;

	if (!network)
		return -1;
	is_active = virNetworkIsActive(network);
	if (is_active < 0 || virConnectGetLibVersion(conn_of(virt), version) < 0)
		return network_failed(virt, name, "reading", err);
	text = virNetworkGetXMLDesc(network, 0);
	if (!text)
		return network_failed(virt, name, "reading", err);
	*xml = text;
	*active = is_active;
	return 0;
}
