/* listening.h - the keys of an input that listens for syslog. A part of config.h; use that. */
#ifndef SCANTIDE_CONFIG_LISTENING_H
#define SCANTIDE_CONFIG_LISTENING_H

#include <cyaml/cyaml.h>

#include "config/config.h"
#include "config/values.h"

struct raw_sender {
    char *address, *sensor, *timezone;
};

struct raw_tls {
    char *certificate, *key, *client_ca;
    bool *require;
};

/* What the file says beside the URL. NULL: not said. */
struct raw_listen {
    char **allow, **trust_host, **proxy_from, *idle;
    uint32_t allow_count, trust_host_count, proxy_from_count, sensors_count;
    struct raw_sender *sensors;
    enum framing *framing;
    struct raw_tls *tls;
    uint32_t *max_connections, *max_per_peer;
};

enum { LISTENING_OPTIONAL = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL, NETWORKS_MAX = 10000 };

extern const cyaml_schema_value_t listening_network, listening_sender;
extern const cyaml_schema_field_t listening_tls_fields[];
extern const cyaml_strval_t listening_framings[];

/* Fields of a mapping whose struct has a raw_listen as its `member`. */
#define LISTENING_FIELDS(type, member)                                                             \
    CYAML_FIELD_SEQUENCE("allow", LISTENING_OPTIONAL, type, member.allow, &listening_network, 0,   \
                         NETWORKS_MAX),                                                            \
        CYAML_FIELD_SEQUENCE("sensors", LISTENING_OPTIONAL, type, member.sensors,                  \
                             &listening_sender, 0, NETWORKS_MAX),                                  \
        CYAML_FIELD_SEQUENCE("trust_host", LISTENING_OPTIONAL, type, member.trust_host,            \
                             &listening_network, 0, NETWORKS_MAX),                                 \
        CYAML_FIELD_SEQUENCE("proxy_from", LISTENING_OPTIONAL, type, member.proxy_from,            \
                             &listening_network, 0, NETWORKS_MAX),                                 \
        CYAML_FIELD_ENUM_PTR("framing", LISTENING_OPTIONAL | CYAML_FLAG_STRICT, type,              \
                             member.framing, listening_framings, FRAMINGS),                        \
        CYAML_FIELD_MAPPING_PTR("tls", LISTENING_OPTIONAL, type, member.tls,                       \
                                listening_tls_fields),                                             \
        CYAML_FIELD_UINT_PTR("max_connections", LISTENING_OPTIONAL, type, member.max_connections), \
        CYAML_FIELD_UINT_PTR("max_per_peer", LISTENING_OPTIONAL, type, member.max_per_peer),       \
        CYAML_FIELD_STRING_PTR("idle", LISTENING_OPTIONAL, type, member.idle, 0, CYAML_UNLIMITED)

/* inputs[i], which listens at `url`. */
void listening_read(struct reading *r, const char *url, const struct raw_listen *raw, size_t i);

/* inputs[i], which doesn't: none of the keys may be said. */
void listening_refuse(struct reading *r, const struct raw_listen *raw, size_t i);

void listening_free(struct config_listen *l);

#endif
