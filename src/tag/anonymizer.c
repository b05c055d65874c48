#include "tag/anonymizer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

static const uint8_t hash_networks[2][8] = {{0xfd, 0x5c, 0xa4, 0x71, 0xde, 0x04, 0, 0},
                                            {0xfd, 0x5c, 0xa4, 0x71, 0xde, 0x06, 0, 0}};

enum { KEY_TEXT = 2 * SIPHASH_KEY_BYTES, V4_BYTES_KEPT = 3, V6_BYTES_KEPT = 6 };

/* ---- the key ---- */

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 0, -ENOENT: there is none, -EBADMSG: it isn't one. */
static int read_key(const char *path, uint8_t key[SIPHASH_KEY_BYTES])
{
    char text[KEY_TEXT + 2] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, sizeof text);
    int rc = n < 0 ? -errno : 0;
    close(fd);
    if (rc < 0)
        return rc;
    if (n != KEY_TEXT + 1 || text[KEY_TEXT] != '\n')
        return -EBADMSG;
    for (int i = 0; i < SIPHASH_KEY_BYTES; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EBADMSG;
        key[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static int write_key(int fd)
{
    uint8_t key[SIPHASH_KEY_BYTES];
    char text[KEY_TEXT + 2];

    if (getrandom(key, sizeof key, 0) != sizeof key)
        return -EIO;
    for (int i = 0; i < SIPHASH_KEY_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", key[i]);
    text[KEY_TEXT] = '\n';
    errno = 0;
    if (write(fd, text, KEY_TEXT + 1) != KEY_TEXT + 1 || fsync(fd) < 0)
        return errno ? -errno : -EIO;
    return 0;
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

/* Whole or not at all; where another process was quicker, its key stays. */
static int make_key(const char *folder, const char *path, bool *made)
{
    char *temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
    int rc = fd < 0 ? -errno : write_key(fd);

    if (fd >= 0)
        close(fd);
    if (rc == 0 && link(temporary, path) < 0)
        rc = errno == EEXIST ? 0 : -errno;
    else
        *made = rc == 0;
    if (fd >= 0)
        unlink(temporary);
    free(temporary);
    return rc == 0 ? sync_folder(folder) : rc;
}

int anonymizer_open(enum anonymize how, const char *folder, struct anonymizer *out, bool *made,
                    struct error *err)
{
    char *path = xasprintf("%s/anonymize.key", folder);
    int rc = 0;

    *out = (struct anonymizer){.how = how};
    *made = false;
    if (how == ANONYMIZE_HASH) {
        rc = read_key(path, out->key);
        if (rc == -ENOENT)
            rc = make_key(folder, path, made);
        if (rc == 0)
            rc = read_key(path, out->key);
    }
    if (rc == -EBADMSG)
        error_add(err, path, 0, 0,
                  "this is no key for 'anonymize: hash': put the right one back from a backup, or "
                  "remove the file, and sources get other hashes from then on");
    else if (rc < 0)
        error_add(err, path, 0, 0, "the key for 'anonymize: hash' can't be read or made (%s)",
                  strerror(-rc));
    free(path);
    return rc;
}

/* ---- addresses ---- */

struct ip anonymizer_hide(const struct anonymizer *a, const struct ip *source)
{
    struct ip out = *source;
    size_t kept = source->family == 4 ? V4_BYTES_KEPT : V6_BYTES_KEPT;

    if (a->how == ANONYMIZE_NONE || source->family == 0)
        return out;
    if (a->how == ANONYMIZE_PREFIX) {
        memset(out.b + kept, 0, sizeof out.b - kept);
        return out;
    }
    uint64_t hash = siphash(a->key, source, sizeof *source);
    memcpy(out.b, hash_networks[source->family == 6], 8);
    for (int i = 0; i < 8; i++)
        out.b[8 + i] = (uint8_t)(hash >> (56 - 8 * i));
    out.family = 6;
    return out;
}

bool anonymous_is_hash(const struct ip *ip)
{
    return ip->family == 6 &&
           (memcmp(ip->b, hash_networks[0], 8) == 0 || memcmp(ip->b, hash_networks[1], 8) == 0);
}

size_t anonymous_format(const struct ip *ip, char out[ANONYMOUS_TEXT_MAX])
{
    size_t n = ip_format(ip, out);

    if (ip->family == 0 || anonymous_is_hash(ip))
        return n;
    return n + (size_t)snprintf(out + n, ANONYMOUS_TEXT_MAX - n, "/%d",
                                8 * (ip->family == 4 ? V4_BYTES_KEPT : V6_BYTES_KEPT));
}
