// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verbs/vf_words.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

char *vf_name(const struct pf *pf, const struct vf *vf)
{
	return mem_printf("%s/%u", pf_str(pf), vf->index);
}

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = words; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, word, length) == 0 && (p[length] == ',' || !p[length]))
			return true;
	}
	return false;
}

static void add_word(char **words, const char *word)
{
	char *longer;

	if (!word || has_word(*words, word))
		return;
	longer = *words ? mem_printf("%s,%s", *words, word) : mem_strdup(word);
	free(*words);
	*words = longer;
}

/* A domain that vfpool gave it to, and the others that name it too: each of them matters. */
static char *domains_of(const struct judge *judge, const struct vf *vf)
{
	const struct lease *lease = judge->leases ? leases_by_vf(judge->leases, vf->addr) : NULL;
	size_t n;
	const struct foreign *others = foreigns_of(judge->foreigns, vf->addr, &n);
	char *names = NULL;

	if (lease)
		add_word(&names, lease->domain_name);
	for (size_t i = 0; i < n; i++)
		add_word(&names, others[i].domain);
	return names;
}

char *vf_holder(const struct judge *judge, const struct vf *vf, enum refusal refusal)
{
	switch (refusal) {
	case REFUSAL_LEASED:
	case REFUSAL_DOMAIN:
	case REFUSAL_DEFINED:
		return domains_of(judge, vf);
	case REFUSAL_OPEN:
		return mem_strdup(vf->user);
	case REFUSAL_HOST_ADDRESS:
		return mem_strdup(vf->address);
	case REFUSAL_HOST_MASTER:
		return mem_strdup(vf->master);
	case REFUSAL_HOST_DRIVER:
		return mem_strdup(vf->driver);
	case REFUSAL_GROUP:
		return mem_strdup(vf->group_peer);
	case REFUSAL_HOST_NETNS:
	case REFUSAL_NO_IOMMU:
		return mem_strdup(refusal_name(refusal));
	case REFUSAL_NONE:
	case REFUSAL_KIND:
	case REFUSAL_BUSY:
	case REFUSAL_OTHER_INDEX:
	case REFUSAL_EXCLUDED:
	case REFUSAL_RESERVED:
	case REFUSAL_LIMIT:
	case REFUSAL_NOT_PREBOUND:
	case REFUSAL_NODE:
		break;
	}
	return NULL;
}
