#include "config/listening.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    CONNECTIONS = 2000,
    CONNECTIONS_LIMIT = 100000,
    PER_PEER = 100,
    IDLE_S = 24 * 3600,
    IDLE_LIMIT_S = 30 * 86400,
    NODE_MAX = 64
};

#define TEXT(key, type, member) \
    CYAML_FIELD_STRING_PTR(key, LISTENING_OPTIONAL, type, member, 0, CYAML_UNLIMITED)

const cyaml_schema_value_t listening_network = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t sender_fields[] = {
    CYAML_FIELD_STRING_PTR("address", CYAML_FLAG_POINTER, struct raw_sender, address, 1,
                           CYAML_UNLIMITED),
    TEXT("sensor", struct raw_sender, sensor),
    TEXT("timezone", struct raw_sender, timezone),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t listening_sender = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_sender, sender_fields),
};

const cyaml_schema_field_t listening_tls_fields[] = {
    TEXT("certificate", struct raw_tls, certificate),
    TEXT("key", struct raw_tls, key),
    TEXT("client_ca", struct raw_tls, client_ca),
    CYAML_FIELD_BOOL_PTR("require", LISTENING_OPTIONAL, struct raw_tls, require),
    CYAML_FIELD_END,
};

const cyaml_strval_t listening_framings[] = {
    {"auto", FRAMING_AUTO}, {"octet", FRAMING_OCTET}, {"line", FRAMING_LINE}};

/* One input on its way. */
struct entry {
    struct reading *r;
    size_t i;
    struct config_listen *listen;
    char node[2 * NODE_MAX]; /* the last that was named */
};

static const char *name_node(struct entry *e, const char *key)
{
    snprintf(e->node, sizeof e->node, "inputs[%zu].%s", e->i, key);
    return e->node;
}

#define FAULT_AT(e, key, ...) \
    yamlfile_fault((e)->r->file, name_node((e), (key)), (e)->r->err, __VA_ARGS__)

/* ---- networks ---- */

static void read_network(struct entry *e, const char *key, const char *text, struct network *out)
{
    char whole[NETWORK_TEXT_MAX];
    int rc = network_parse(str_from(text), out);

    if (rc == -EINVAL) {
        FAULT_AT(e, key,
                 "'%.80s' is no network; write it like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7",
                 text);
    } else if (rc < 0) {
        network_format(out, whole);
        FAULT_AT(e, key, "'%s' lies within a network; write %s for all of that, or the address",
                 text, whole);
    }
}

static void read_networks(struct entry *e, const char *key, char *const *texts, size_t n,
                          struct rule *rule)
{
    char node[NODE_MAX];

    rule->networks = xcalloc(n + 1, sizeof *rule->networks);
    for (size_t k = 0; k < n; k++) {
        snprintf(node, sizeof node, "%s[%zu]", key, k);
        read_network(e, node, texts[k], &rule->networks[rule->n++]);
    }
}

/* A listener that others reach takes nobody's messages unless told so. */
static void read_allow(struct entry *e, const struct raw_listen *raw)
{
    struct config_listen *l = e->listen;
    static char *loopback[] = {(char *)"127.0.0.0/8", (char *)"::1"};

    if (listen_is_unix(&l->address))
        return;
    if (raw->allow_count > 0)
        read_networks(e, "allow", raw->allow, raw->allow_count, &l->allow);
    else if (listen_is_local(&l->address))
        read_networks(e, "allow", loopback, 2, &l->allow);
    else
        FAULT_AT(e, "listen",
                 "others than this machine reach %s: add whose messages it may take, such as the "
                 "line 'allow: [192.168.1.0/24]'",
                 l->url);
}

static void read_senders(struct entry *e, const struct raw_listen *raw)
{
    struct config_listen *l = e->listen;
    char node[NODE_MAX];

    l->senders = xcalloc(raw->sensors_count + 1, sizeof *l->senders);
    for (size_t k = 0; k < raw->sensors_count; k++) {
        const struct raw_sender *from = &raw->sensors[k];
        struct config_sender *to = &l->senders[l->sender_count++];
        size_t same = 0;
        snprintf(node, sizeof node, "sensors[%zu].address", k);
        read_network(e, node, from->address, &to->network);
        while (network_compare(&l->senders[same].network, &to->network) != 0)
            same++;
        if (same < k)
            FAULT_AT(e, node, "%s has its entry in sensors[%zu] already", from->address, same);
        snprintf(node, sizeof node, "sensors[%zu].sensor", k);
        value_sensor(e->r, name_node(e, node), from->sensor, &to->sensor);
        snprintf(node, sizeof node, "sensors[%zu].timezone", k);
        value_zone(e->r, name_node(e, node), from->timezone, &to->zone);
    }
}

/* ---- the rest ---- */

static void read_tls(struct entry *e, const struct raw_tls *raw)
{
    struct tls_options *tls = &e->listen->tls;

    if (e->listen->address.kind != LISTEN_TLS) {
        if (raw)
            FAULT_AT(e, "tls", "'tls' is of a listener at tls://, and %s is none", e->listen->url);
        return;
    }
    if (!raw || !value_said(raw->certificate) || !value_said(raw->key)) {
        FAULT_AT(e, raw ? "tls" : "listen",
                 "%s takes 'tls: {certificate: FILE, key: FILE}', both in PEM", e->listen->url);
        return;
    }
    value_path(e->r, name_node(e, "tls.certificate"), raw->certificate, &tls->certificate);
    value_path(e->r, name_node(e, "tls.key"), raw->key, &tls->key);
    value_path(e->r, name_node(e, "tls.client_ca"), raw->client_ca, &tls->client_ca);
    tls->require = raw->require ? *raw->require : tls->client_ca != NULL;
    if (tls->require && !tls->client_ca)
        FAULT_AT(e, "tls.require",
                 "clients' certificates can't be required without 'client_ca: FILE', which holds "
                 "who signs them");
}

static void read_limit(struct entry *e, const char *key, const uint32_t *raw, unsigned *out)
{
    if (!raw)
        return;
    if (*raw < 1 || *raw > CONNECTIONS_LIMIT)
        FAULT_AT(e, key, "'%s' must be from 1 to %d, not %u", key, CONNECTIONS_LIMIT, *raw);
    else
        *out = *raw;
}

/* What is of streams only. */
static void refuse_for_datagrams(struct entry *e, const struct raw_listen *raw)
{
    enum listen_kind kind = e->listen->address.kind;
    const char *key = raw->framing           ? "framing"
                      : raw->proxy_from      ? "proxy_from"
                      : raw->max_connections ? "max_connections"
                      : raw->max_per_peer    ? "max_per_peer"
                      : raw->idle            ? "idle"
                                             : NULL;

    if (key && (kind == LISTEN_UDP || kind == LISTEN_UNIXGRAM))
        FAULT_AT(e, key, "'%s' is of connections, and %s has none", key, e->listen->url);
}

static void find_twin(struct entry *e)
{
    const struct config *conf = e->r->conf;

    for (size_t k = 0; k < e->i; k++)
        if (conf->inputs[k].kind == INPUT_LISTEN &&
            memcmp(&conf->inputs[k].listen->address, &e->listen->address,
                   sizeof e->listen->address) == 0)
            FAULT_AT(e, "listen", "inputs[%zu] listens there already", k);
}

void listening_read(struct reading *r, const char *url, const struct raw_listen *raw, size_t i)
{
    struct config_listen *l = xcalloc(1, sizeof *l);
    struct entry e = {.r = r, .i = i, .listen = l};

    r->conf->inputs[i].listen = l;
    l->url = xstrdup(url);
    l->connections = CONNECTIONS;
    l->per_peer = PER_PEER;
    l->idle_s = IDLE_S;
    const char *wrong = listen_parse(url, &l->address);
    if (wrong) {
        FAULT_AT(&e, "listen", "'%s' %s", url, wrong);
        return;
    }
    find_twin(&e);
    read_allow(&e, raw);
    read_networks(&e, "trust_host", raw->trust_host, raw->trust_host_count, &l->trusted);
    read_networks(&e, "proxy_from", raw->proxy_from, raw->proxy_from_count, &l->proxies);
    read_senders(&e, raw);
    read_tls(&e, raw->tls);
    refuse_for_datagrams(&e, raw);
    if (raw->framing)
        l->framing = *raw->framing;
    read_limit(&e, "max_connections", raw->max_connections, &l->connections);
    read_limit(&e, "max_per_peer", raw->max_per_peer, &l->per_peer);
    value_duration(r, name_node(&e, "idle"), raw->idle, 10, IDLE_LIMIT_S, "10s to 720h",
                   &l->idle_s);
}

void listening_refuse(struct reading *r, const struct raw_listen *raw, size_t i)
{
    struct entry e = {.r = r, .i = i};
    const char *key = raw->allow             ? "allow"
                      : raw->sensors         ? "sensors"
                      : raw->trust_host      ? "trust_host"
                      : raw->proxy_from      ? "proxy_from"
                      : raw->framing         ? "framing"
                      : raw->tls             ? "tls"
                      : raw->max_connections ? "max_connections"
                      : raw->max_per_peer    ? "max_per_peer"
                      : raw->idle            ? "idle"
                                             : NULL;

    if (key)
        FAULT_AT(&e, key, "'%s' is of an entry with 'listen:'", key);
}

void listening_free(struct config_listen *l)
{
    if (!l)
        return;
    for (size_t k = 0; k < l->sender_count; k++)
        free(l->senders[k].sensor);
    rule_fini(&l->allow);
    rule_fini(&l->trusted);
    rule_fini(&l->proxies);
    free(l->senders);
    free(l->tls.certificate);
    free(l->tls.key);
    free(l->tls.client_ca);
    free(l->url);
    free(l);
}
