#include "base/access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

/* Names into the caller's memory: getpwuid's own is shared by all threads. */
static const char *user_name(uid_t uid, char out[64])
{
    char buf[4096];
    struct passwd pw, *found = NULL;

    if (getpwuid_r(uid, &pw, buf, sizeof buf, &found) == 0 && found)
        snprintf(out, 64, "%.63s", pw.pw_name);
    else
        snprintf(out, 64, "%u", (unsigned)uid);
    return out;
}

static const char *group_name(gid_t gid, char out[64])
{
    char buf[4096];
    struct group gr, *found = NULL;

    if (getgrgid_r(gid, &gr, buf, sizeof buf, &found) == 0 && found)
        snprintf(out, 64, "%.63s", gr.gr_name);
    else
        snprintf(out, 64, "%u", (unsigned)gid);
    return out;
}

/* The first folder on the way to `path` that this process may not enter or that isn't there; NULL
 * if none. */
static char *blocking_folder(const char *path)
{
    if (!*path)
        return NULL;
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *folder = xstrndup(path, (size_t)(slash - path));
        if (access(folder, X_OK) < 0)
            return folder;
        free(folder);
    }
    return NULL;
}

/* `path`, or of the folders above it the nearest that is there. */
static char *nearest_existing(const char *path)
{
    char *at = xstrdup(path);
    struct stat st;

    while (stat(at, &st) < 0) {
        char *slash = strrchr(at, '/');
        if (!slash || slash[1] == 0) { /* a relative name, or "/" itself */
            free(at);
            return xstrdup(slash ? "/" : ".");
        }
        slash[slash == at] = 0;
    }
    return at;
}

int access_check(const char *path, enum access_kind kind)
{
    struct stat st;

    if (kind == ACCESS_READ)
        return access(path, R_OK) == 0 ? 0 : -errno;
    if (stat(path, &st) == 0)
        return !S_ISDIR(st.st_mode) ? -ENOTDIR : access(path, W_OK | X_OK) == 0 ? 0 : -errno;
    if (errno != ENOENT)
        return -errno;
    char *folder = nearest_existing(path);
    int rc = access(folder, W_OK | X_OK) == 0 ? 1 : -errno;
    free(folder);
    return rc;
}

static char *advice_for_writing(const char *path, const char *user)
{
    char owner[64], group[64];
    char *at = nearest_existing(path), *text;
    struct stat st = {0};

    /* A file that is there already can only be given away; a folder that is there, too, but so it
     * gets the mode of a new one. */
    bool file = stat(at, &st) == 0 && !S_ISDIR(st.st_mode);
    text = xasprintf("%s belongs to %s:%s with mode %04o and user %s may not write %s; %s it with "
                     "`sudo %s %s %s`, or choose another folder with --data",
                     strcmp(at, path) ? at : "it", user_name(st.st_uid, owner),
                     group_name(st.st_gid, group), (unsigned)st.st_mode & 07777, user,
                     file ? "to it" : "there", file ? "mend" : "make",
                     file ? "chown" : "install -d -o", user, path);
    free(at);
    return text;
}

static char *advice_for_refused(const char *path, enum access_kind kind)
{
    char user[64], owner[64], group[64];
    struct stat st;
    char *folder = blocking_folder(path);

    user_name(geteuid(), user);
    if (folder && access(folder, F_OK) == 0) {
        char *text = xasprintf("user %s may not enter the folder %s; let it in with "
                               "`sudo setfacl -m u:%s:x %s`, or run scantide as root",
                               user, folder, user, folder);
        free(folder);
        return text;
    }
    free(folder);
    if (kind == ACCESS_WRITE)
        return advice_for_writing(path, user);
    if (stat(path, &st) < 0)
        return xasprintf("user %s has no permission; run scantide as root", user);
    user_name(st.st_uid, owner);
    group_name(st.st_gid, group);
    if (st.st_mode & S_IRGRP)
        return xasprintf("it belongs to %s:%s with mode %04o; join the group with `sudo usermod "
                         "-aG %s %s` and log in again, or run scantide as root",
                         owner, group, (unsigned)st.st_mode & 07777, group, user);
    return xasprintf("it belongs to %s:%s with mode %04o; let user %s read it with `sudo setfacl "
                     "-m u:%s:r %s`, or run scantide as root",
                     owner, group, (unsigned)st.st_mode & 07777, user, user, path);
}

static char *advice_for_missing(const char *path, enum access_kind kind)
{
    char *folder = blocking_folder(path);
    char *text;

    if (folder)
        text = xasprintf("the folder %s doesn't exist; is the path right?", folder);
    else if (kind == ACCESS_WRITE)
        text = xasprintf("it doesn't exist; make it with `mkdir -p %s`", path);
    else
        text = xstrdup("it doesn't exist; is the path right?");
    free(folder);
    return text;
}

char *access_advice(const char *path, enum access_kind kind, int rc)
{
    const char *verb = kind == ACCESS_READ ? "read" : "written";
    char *what =
        rc == -EACCES || rc == -EPERM ? advice_for_refused(path, kind)
        : rc == -ENOENT               ? advice_for_missing(path, kind)
        : rc == -EISDIR               ? xstrdup("it is a folder; name a file in it")
        : rc == -ENOTDIR
            ? xstrdup("a part of its path is a file, where a folder must be; choose another path")
        : rc == -EROFS  ? xstrdup("its file system is mounted for reading only; choose "
                                   "another place, or mount it for writing")
        : rc == -ENOSPC ? xstrdup("its file system is full; make room there")
                        : xstrdup(strerror(-rc));
    char *text = xasprintf("can't be %s: %s", verb, what);

    free(what);
    return text;
}

void access_fault(const char *path, enum access_kind kind, int rc, struct error *err)
{
    char *text = access_advice(path, kind, rc);

    error_add(err, path, 0, 0, "%s", text);
    free(text);
}
