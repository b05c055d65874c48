#include "tag/mmdb.h"

#include <netinet/in.h>

MMDB_lookup_result_s mmdb_look_up(const MMDB_s *db, const struct ip *ip, int *code)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};

    if (ip->family == 4) {
        address.v4.sin_family = AF_INET;
        memcpy(&address.v4.sin_addr, ip->b, 4);
    } else {
        address.v6.sin6_family = AF_INET6;
        memcpy(&address.v6.sin6_addr, ip->b, 16);
    }
    return MMDB_lookup_sockaddr(db, &address.any, code);
}

void mmdb_fault(const char *path, int code, const char *what, const char *key, struct error *err)
{
    const char *why = MMDB_strerror(code);
    size_t n = strcspn(why, "\n");

    while (n && (why[n - 1] == '.' || why[n - 1] == ' '))
        n--;
    error_add(err, path, 0, 0,
              "this %s can't be used (%.*s): fetch it again, or name another under 'geo: %s:'",
              what, (int)n, why, key);
}
