/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PASSWD_ROOM 16384u /* an entry of passwd(5); longer ones are nobody's */

bool identity_find(const char *name, struct identity *out)
{
	char room[PASSWD_ROOM];
	struct passwd entry;
	struct passwd *found = NULL;

	if (getpwnam_r(name, &entry, room, sizeof(room), &found) != 0 || found == NULL)
		return false;
	out->uid = found->pw_uid;
	out->gid = found->pw_gid;
	return true;
}

bool identity_become(const struct identity *who)
{
	if (who->uid == geteuid())
		return true;
	if (setgroups(0, NULL) != 0 || setresgid(who->gid, who->gid, who->gid) != 0 ||
		setresuid(who->uid, who->uid, who->uid) != 0)
		return false;
	/* A user that can become root again has not become another user. */
	return who->uid == 0 || setuid(0) != 0;
}

static bool set_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	data[0].effective = mask;
	data[0].permitted = mask;
	return syscall(SYS_capset, &head, data) == 0;
}

bool identity_become_binder(const struct identity *who)
{
	if (who->uid == geteuid())
		return true;
	/* The permitted set survives the change of user, the effective one does not. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return identity_become(who);
	/* Where it was never ours, only a reload that adds a listener below 1024 fails. */
	return identity_become(who) &&
		(set_capabilities(1u << CAP_NET_BIND_SERVICE) || set_capabilities(0));
}

/* ---- /etc/passwd ----------------------------------------------------------------- */

struct name_scan {
	const char *name;
	size_t len;
	size_t at;     /* octets of the name that matched in this line */
	bool mismatch; /* this line is another's */
};

static bool scan_octet(struct name_scan *s, char c)
{
	if (c == '\n') {
		s->at = 0;
		s->mismatch = false;
	} else if (!s->mismatch && s->at == s->len) {
		if (c == ':')
			return true;
		s->mismatch = true;
	} else if (!s->mismatch) {
		s->mismatch = c != s->name[s->at++];
	}
	return false;
}

static bool scan_file(struct name_scan *s, int fd)
{
	char piece[4096];
	ssize_t n, i;

	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		for (i = 0; i < n; i++) {
			if (scan_octet(s, piece[i]))
				return true;
		}
	}
	return false;
}

bool identity_is_local(const char *name, size_t len)
{
	struct name_scan s = { name, len, 0, false };
	int fd;
	bool found;

	if (len == 0)
		return false;
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	found = scan_file(&s, fd);
	close(fd);
	return found;
}
