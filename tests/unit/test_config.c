/* The configuration: its defaults are those of conf/scantide.yaml, and its faults are said all at
 * once. */
#include "config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/port.h"
#include "config/paths.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char dir[] = "/tmp/test_config.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/scantide.yaml", dir);
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* The faults as they are printed, each line without the path. */
static char *faults_text(struct error *err)
{
    static char text[4096];
    char *printed = NULL;
    size_t size, used = 0;
    FILE *out = open_memstream(&printed, &size);

    error_print(err, out);
    fclose(out);
    for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n"))
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\n",
                                 line + (strncmp(line, path, strlen(path)) ? 0 : strlen(path) + 1));
    text[used] = 0;
    free(printed);
    return text;
}

static void assert_is_default(const struct config *conf)
{
    assert_null(conf->data);
    assert_int_equal(conf->max_size, 0);
    assert_string_equal(conf->parsers, "/etc/scantide/parsers");
    assert_null(conf->country);
    assert_int_equal(conf->input_count, 1);
    assert_string_equal(conf->inputs[0].file, "/var/log/kern.log");
    assert_null(conf->inputs[0].sensor);
    assert_string_equal(zone_name(conf->inputs[0].zone), "local");
    assert_int_equal(conf->prefix_count, 0);
    assert_int_equal(conf->rule_count, 0);
    assert_int_equal(conf->commit_every_s, 5);
    assert_int_equal(conf->late_s, 90);
    assert_int_equal(conf->series.port_events_per_hour, 10);
    assert_int_equal(conf->series.max_ports, 2000);
    assert_int_equal(conf->series.port_count, 0);
    assert_int_equal(conf->series.write_every_s, 300);
    assert_null(conf->series.rrdcached);
    assert_null(conf->language);
    assert_null(conf->report.folder);
    assert_string_equal(conf->report.format, "html");
    assert_int_equal(conf->report.at_s, 6 * 3600);
}

static void test_defaults(void **state)
{
    struct config *conf = config_default();

    (void)state;
    assert_is_default(conf);
    assert_null(conf->file);
    config_free(conf);
}

static void same_rule(const struct rule *rule, uint16_t number, enum rule_kind kind,
                      const char *name, const char *networks)
{
    char text[NETWORK_TEXT_MAX], all[512] = "";

    for (size_t i = 0; i < rule->n; i++) {
        network_format(&rule->networks[i], text);
        strcat(strcat(all, text), " ");
    }
    assert_int_equal(rule->number, number);
    assert_int_equal(rule->kind, kind);
    assert_string_equal(rule->name, name);
    assert_string_equal(all, networks);
}

static void test_rules(void **state)
{
    struct error err = {0};
    struct config *conf;
    char list[128], text[512];

    (void)state;
    snprintf(list, sizeof list, "%s/list", dir);
    write_file(list, "# all of them\n\n10.0.0.0/8\n\t192.0.2.7 # one\r\n2001:db8::/32");
    snprintf(text, sizeof text,
             "exclude: [198.51.100.0/24, '::1']\nscanners: [{name: ' the lab ', file: %s}]\n",
             list);
    write_file(path, text);
    assert_int_equal(config_load(path, &conf, &err), 0);
    assert_int_equal(conf->rule_count, 2);
    same_rule(&conf->rules[0], 1, RULE_EXCLUDE, "exclude", "198.51.100.0/24 ::1 ");
    same_rule(&conf->rules[1], 2, RULE_SCANNER, "the lab", "10.0.0.0/8 192.0.2.7 2001:db8::/32 ");
    config_free(conf);

    /* A list's faults have its own places. */
    write_file(list, "10.0.0.0/8\n  10.0.0.1/8\nx # y\n");
    assert_int_equal(config_load(path, &conf, &err), -EINVAL);
    assert_int_equal(err.n, 2);
    assert_string_equal(err.items[0].file, list);
    assert_int_equal(err.items[0].line, 2);
    assert_int_equal(err.items[0].column, 3);
    assert_int_equal(err.items[1].line, 3);
    assert_int_equal(err.items[1].column, 1);
    error_fini(&err);
}

/* What conf/scantide.yaml says must be what happens without it. */
static void test_shipped_file(void **state)
{
    struct error err = {0};
    struct config *conf;
    char *parsers = paths_share("parsers"), shipped[512];

    (void)state;
    snprintf(shipped, sizeof shipped, "%s/../conf/scantide.yaml", parsers);
    assert_int_equal(config_load(shipped, &conf, &err), 0);
    assert_is_default(conf);
    assert_string_equal(conf->file, shipped);
    config_free(conf);
    free(parsers);
}

static void test_empty_sections(void **state)
{
    struct error err = {0};
    struct config *conf;

    (void)state;
    write_file(path, "geo:\nprefixes:\nseries:\ndata:\ncommit_every:\n");
    assert_int_equal(config_load(path, &conf, &err), 0);
    assert_is_default(conf);
    config_free(conf);
    write_file(path, "series:\n  ports:\n  max_ports:\n");
    assert_int_equal(config_load(path, &conf, &err), 0);
    assert_is_default(conf);
    config_free(conf);
}

static void test_all_keys(void **state)
{
    struct error err = {0};
    struct config *conf;

    (void)state;
    write_file(
        path, "data: /srv/scantide\n"
              "max_size: 10G\n"
              "parsers: /srv/parsers\n"
              "geo: {country: /srv/geo.mmdb, asn: /srv/asn.mmdb}\n"
              "inputs:\n"
              "  - {file: /var/log/a.log, sensor: gate-1, timezone: Asia/Tokyo}\n"
              "  - {file: /var/log/b.log, timezone: UTC}\n"
              "commit_every: 1m\n"
              "late: 1h\n"
              "prefixes:\n"
              "  - {prefix: ' PASS: ', action: accept}\n"
              "  - {prefix: NEW, action: ignore}\n"
              "anonymize: hash\n"
              "sensors: [{name: gate, was: [gw]}]\n"
              "lang: ja\n"
              "report: {folder: /srv/reports, at: \"23:30\", timezone: UTC, format: md, lang: en}\n"
              "series:\n"
              "  port_events_per_hour: 100\n"
              "  max_ports: 0\n"
              "  ports: [53/udp, 23/tcp, 8/icmp, 23]\n");
    assert_int_equal(config_load(path, &conf, &err), 0);
    assert_string_equal(conf->data, "/srv/scantide");
    assert_int_equal(conf->max_size, 10000000000);
    assert_string_equal(conf->parsers, "/srv/parsers");
    assert_string_equal(conf->country, "/srv/geo.mmdb");
    assert_string_equal(conf->asn, "/srv/asn.mmdb");
    assert_int_equal(conf->input_count, 2);
    assert_string_equal(conf->inputs[0].sensor, "gate-1");
    assert_string_equal(zone_name(conf->inputs[0].zone), "Asia/Tokyo");
    assert_string_equal(conf->inputs[1].file, "/var/log/b.log");
    assert_null(conf->inputs[1].sensor);
    assert_string_equal(zone_name(conf->inputs[1].zone), "UTC");
    assert_int_equal(conf->commit_every_s, 60);
    assert_int_equal(conf->late_s, 3600);
    assert_int_equal(conf->prefix_count, 2);
    assert_string_equal(conf->prefixes[0].prefix, "PASS:");
    assert_int_equal(conf->prefixes[0].action, ACTION_ACCEPT);
    assert_int_equal(conf->prefixes[1].action, ACTION_IGNORE);
    assert_int_equal(conf->anonymize, ANONYMIZE_HASH);
    assert_int_equal(conf->alias_count, 1);
    assert_string_equal(conf->aliases[0].name, "gw");
    assert_string_equal(conf->aliases[0].sensor, "gate");
    assert_string_equal(conf->language, "ja");
    assert_string_equal(conf->report.folder, "/srv/reports");
    assert_string_equal(conf->report.format, "md");
    assert_string_equal(conf->report.language, "en");
    assert_string_equal(zone_name(conf->report.zone), "UTC");
    assert_int_equal(conf->report.at_s, (23 * 60 + 30) * 60);
    assert_int_equal(conf->series.port_events_per_hour, 100);
    assert_int_equal(conf->series.max_ports, 0);
    assert_int_equal(conf->series.port_count, 3);
    assert_int_equal(conf->series.ports[0], port_key(PORT_TCP, 23));
    assert_int_equal(conf->series.ports[1], port_key(PORT_UDP, 53));
    assert_int_equal(conf->series.ports[2], port_key(PORT_ICMP, 8));
    config_free(conf);
}

static void test_listening(void **state)
{
    struct error err = {0};
    struct config *conf;
    struct network network;

    (void)state;
    write_file(path, "inputs:\n"
                     "  - listen: udp://[::]\n"
                     "    allow: [192.0.2.0/24, '2001:db8::/32']\n"
                     "    timezone: UTC\n"
                     "    trust_host: [192.0.2.9]\n"
                     "    sensors:\n"
                     "      - {address: 192.0.2.1, sensor: gw, timezone: Asia/Tokyo}\n"
                     "  - listen: tls://0.0.0.0\n"
                     "    allow: [192.0.2.0/24]\n"
                     "    proxy_from: [192.0.2.8]\n"
                     "    framing: octet\n"
                     "    tls: {certificate: /c, key: /k, client_ca: /ca}\n"
                     "    max_connections: 5\n"
                     "    max_per_peer: 2\n"
                     "    idle: 10m\n"
                     "  - listen: tcp://127.0.0.1\n");
    assert_int_equal(config_load(path, &conf, &err), 0);
    const struct config_listen *udp = conf->inputs[0].listen, *tls = conf->inputs[1].listen,
                               *tcp = conf->inputs[2].listen;
    assert_int_equal(conf->inputs[0].kind, INPUT_LISTEN);
    assert_int_equal(udp->address.port, LISTEN_PORT);
    assert_int_equal(udp->allow.n, 2);
    assert_int_equal(udp->trusted.n, 1);
    assert_int_equal(udp->sender_count, 1);
    assert_string_equal(udp->senders[0].sensor, "gw");
    assert_string_equal(zone_name(udp->senders[0].zone), "Asia/Tokyo");
    assert_int_equal(tls->address.port, LISTEN_PORT_TLS);
    assert_int_equal(tls->framing, FRAMING_OCTET);
    assert_int_equal(tls->proxies.n, 1);
    assert_string_equal(tls->tls.client_ca, "/ca");
    assert_true(tls->tls.require); /* whoever names signers means it */
    assert_int_equal(tls->connections, 5);
    assert_int_equal(tls->per_peer, 2);
    assert_int_equal(tls->idle_s, 600);
    /* What only this machine reaches takes this machine's. */
    assert_int_equal(network_parse(STR("127.0.0.0/8"), &network), 0);
    assert_int_equal(network_compare(&tcp->allow.networks[0], &network), 0);
    assert_int_equal(tcp->framing, FRAMING_AUTO);
    config_free(conf);
}

static void test_listening_faults(void **state)
{
    struct error err = {0};
    struct config *conf;

    (void)state;
    write_file(path,
               "inputs:\n"
               "  - {listen: 'udp://[::]:5514'}\n"
               "  - {listen: 'udp://[::]', allow: [192.0.2.1/24, x], idle: 1h}\n"
               "  - {listen: 'syslog://[::]'}\n"
               "  - {listen: 'tls://127.0.0.1'}\n"
               "  - {listen: 'tcp://127.0.0.1', tls: {key: /k}, framing: both}\n"
               "  - {listen: 'tls://127.0.0.1:1', tls: {certificate: /c, key: /k, require: yes}}\n"
               "  - listen: tcp://127.0.0.1:2\n"
               "    sensors: [{address: 192.0.2.1}, {address: 192.0.2.1/32, sensor: '-'}]\n"
               "    max_connections: 0\n"
               "  - {file: /x, allow: [192.0.2.1]}\n");
    assert_int_equal(config_load(path, &conf, &err), -EINVAL);
    assert_string_equal(
        faults_text(&err),
        "2:14: others than this machine reach udp://[::]:5514: add whose messages it may take, "
        "such "
        "as the line 'allow: [192.168.1.0/24]'\n"
        "3:14: inputs[0] listens there already\n"
        "3:36: '192.0.2.1/24' lies within a network; write 192.0.2.0/24 for all of that, or the "
        "address\n"
        "3:50: 'x' is no network; write it like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7\n"
        "3:60: 'idle' is of connections, and udp://[::] has none\n"
        "4:14: 'syslog://[::]' must begin with udp://, tcp://, tls://, unix:// or unixgram://\n"
        "5:14: tls://127.0.0.1 takes 'tls: {certificate: FILE, key: FILE}', both in PEM\n"
        "6:38: 'tls' is of a listener at tls://, and tcp://127.0.0.1 is none\n"
        "6:58: 'inputs[4].framing' must be auto, octet or line, not 'both'\n"
        "7:76: clients' certificates can't be required without 'client_ca: FILE', which holds who "
        "signs them\n"
        "9:47: 192.0.2.1/32 has its entry in sensors[0] already\n"
        "9:69: a sensor's name has up to 64 letters, digits, '.', '_' or '-' and begins with a "
        "letter, digit or '_', unlike '-'\n"
        "10:22: 'max_connections' must be from 1 to 100000, not 0\n"
        "11:23: 'allow' is of an entry with 'listen:'\n");
    error_fini(&err);
}

static void test_faults(void **state)
{
    static const struct {
        const char *yaml, *faults;
    } cases[] = {
        {"max_size: 10\n",
         "1:11: 'max_size' must be a number and M, G or T, such as 500M or 10G, not '10'\n"},
        {"max_size: 49M\n", "1:11: 'max_size' must be 50M or more, not '49M'\n"},
        {"data: var\n", "1:7: 'data' must be a whole path that begins with '/', not 'var'\n"},
        {"parsers: ./p\n",
         "1:10: 'parsers' must be a whole path that begins with '/', not './p'\n"},
        {"geo:\n  country: c.mmdb\n",
         "2:12: 'geo.country' must be a whole path that begins with '/', not 'c.mmdb'\n"},
        {"sensors:\n"
         "  - {name: gate, was: [gw, wall]}\n"
         "  - {name: wall, was: [gw, a/b]}\n"
         "  - {name: gate, was: [old]}\n",
         "2:28: 'wall' can't be taken over: it is the name of a sensor in this list\n"
         "3:24: 'gw' can't be taken over: it is taken over already\n"
         "3:28: a sensor's name has up to 64 letters, digits, '.', '_' or '-' and begins with a "
         "letter, digit or '_', unlike 'a/b'\n"
         "4:12: 'gate' is the name of sensors[0] already; put all that it was into one list\n"},
        {"lang: fr\nreport: {folder: out, at: '24:00', format: pdf}\n",
         "1:7: 'lang' must be en or ja, not 'fr'\n"
         "2:18: 'report.folder' must be a whole path that begins with '/', not 'out'\n"
         "2:27: 'report.at' must be a time of the day such as \"06:00\", not '24:00'\n"
         "2:44: 'report.format' must be html, md, text or json, not 'pdf'\n"},
        {"geo: {asn: a.mmdb}\n",
         "1:12: 'geo.asn' must be a whole path that begins with '/', not 'a.mmdb'\n"},
        {"inputs:\n  - file: kern.log\n",
         "2:11: 'inputs[0].file' must be a whole path that begins with '/', not 'kern.log'\n"},
        {"inputs:\n  - file: /nowhere/a\n  - file: /nowhere/b\n  - file: /nowhere/a\n",
         "4:11: '/nowhere/a' is the same file as that of inputs[0]; it would be counted twice, so "
         "take one of them out\n"},
        {"inputs:\n  - {file: /l/*/a, rotated: /old}\n  - {file: /m/a, rotated: old}\n"
         "  - {journal: kernel, rotated: /old}\n",
         "2:29: '/l/*/a' names logs of several folders, which could have the same name in '/old': "
         "give each folder an entry of its own\n"
         "3:27: 'inputs[1].rotated' must be a whole path that begins with '/', not 'old'\n"
         "4:32: 'rotated' is a key of an entry with 'file'\n"},
        {"inputs:\n  - {file: /l/a, rotated: /old}\n  - {file: /m/a, rotated: /old}\n",
         "3:27: the log of inputs[0] has the same name, and is rotated into the same folder: what "
         "is found there can't be told apart; rotate one of them into another\n"},
        {"inputs: [{file: /a, timezone: Europe/Berln}]\n",
         "1:31: time zone 'Europe/Berln' is unknown; did you mean 'Europe/Berlin'?\n"},
        {"inputs: [{file: /a, timezone: '+02:00'}]\n",
         "1:31: time zone '+02:00' is unknown; write 'local', 'UTC' or a name such as "
         "Europe/Berlin (`timedatectl list-timezones` shows them)\n"},
        {"inputs: [{file: /a, sensor: ../x}]\n",
         "1:29: a sensor's name has up to 64 letters, digits, '.', '_' or '-' and begins with a "
         "letter, digit or '_', unlike '../x'\n"},
        {"commit_every: 5\n", "1:15: 'commit_every' must be a number and s, m or h, such as 5s or "
                              "2m, not '5'\n"},
        {"commit_every: 1d\n", "1:15: 'commit_every' must be a number and s, m or h, such as 5s "
                               "or 2m, not '1d'\n"},
        {"commit_every: -1s\n", "1:15: 'commit_every' must be a number and s, m or h, such as 5s "
                                "or 2m, not '-1s'\n"},
        {"commit_every: 0s\n", "1:15: 'commit_every' must be from 1s to 60s, not '0s'\n"},
        {"commit_every: 2m\n", "1:15: 'commit_every' must be from 1s to 60s, not '2m'\n"},
        {"late: 99999999999999999999h\n",
         "1:7: 'late' must be from 0s to 1h, not '99999999999999999999h'\n"},
        {"prefixes:\n  - {prefix: A, action: drop}\n  - {prefix: 'A ', action: accept}\n",
         "3:14: prefix 'A' has its action in prefixes[0] already\n"},
        {"prefixes: [{prefix: A, action: block}]\n",
         "1:32: 'prefixes[0].action' must be drop, reject, accept or ignore, not 'block'\n"},
        {"prefixes: [{prefix: ' ', action: drop}]\n",
         "1:21: 'prefixes[0].prefix' holds nothing but blanks\n"},
        {"prefixes: [{prefix: A}]\n", "1:12: key 'action' is missing\n"},
        {"series: {ports: [23/tpc]}\n", "1:18: '23/tpc' is no port; write it like 23/tcp, 53/udp, "
                                        "8/icmp, 128/icmp6 or 47/ip\n"},
        {"exclude: [192.0.2.7/24, 10.0.0.0/8]\n",
         "1:11: '192.0.2.7/24' lies within a network; write 192.0.2.0/24 for all of that, or the "
         "address alone\n"},
        {"exclude:\n  - 10.0.0.0/8\n  - '2001:db8::/129'\n",
         "3:5: '2001:db8::/129' is no network; write it like 192.0.2.0/24, 2001:db8::/32 or "
         "192.0.2.7\n"},
        {"scanners: [{name: a}]\n", "1:12: key 'file' is missing\n"},
        {"scanners: [{name: a, file: list}]\n",
         "1:28: 'scanners[0].file' must be a whole path that begins with '/', not 'list'\n"},
        {"scanners:\n  - {name: a, file: /nowhere/a}\n",
         "2:21: the networks in /nowhere/a can't be read (No such file or directory)\n"},
        {"scanners: [{name: a, file: /dev/null}, {name: ' a', file: /dev/null}]\n",
         "1:47: the name 'a' is that of scanners[0] already\n"},
        {"scanners: [{name: ' ', file: /dev/null}]\n",
         "1:19: 'scanners[0].name' must be a name that can be shown\n"},
        {"series: {max_ports: 65537}\n",
         "1:21: 'series.max_ports' must be from 0 to 65536, not 65537\n"},
        {"series: {write_every: 7m}\n",
         "1:23: 'series.write_every' must be a multiple of 5m, not '7m'\n"},
        {"series: {write_every: 2h}\n",
         "1:23: 'series.write_every' must be from 5m to 1h, not '2h'\n"},
        {"series: {rrdcached: run/sock}\n", "1:21: 'series.rrdcached' must be a whole path that "
                                            "begins with '/', not 'run/sock'\n"},
        {"series: {port_events_per_hour: 0}\n",
         "1:32: 'series.port_events_per_hour' must be from 1 to 1000000, not 0\n"},
        {"input:\n  - file: /a\n", "1:1: key 'input' is unknown; did you mean 'inputs'?\n"},
        {"data: var\nlate: soon\nseries: {ports: [x]}\n",
         "1:7: 'data' must be a whole path that begins with '/', not 'var'\n"
         "2:7: 'late' must be a number and s, m or h, such as 5s or 2m, not 'soon'\n"
         "3:18: 'x' is no port; write it like 23/tcp, 53/udp, 8/icmp, 128/icmp6 or 47/ip\n"},
        /* faults of schema and of meaning in one go, with their places behind faulty entries */
        {"data: var\n"
         "late: soon\n"
         "inputs:\n"
         "  - {file: /a, timezone: Europe/Berln}\n"
         "series: {max_ports: many}\n"
         "sereis: {}\n",
         "1:7: 'data' must be a whole path that begins with '/', not 'var'\n"
         "2:7: 'late' must be a number and s, m or h, such as 5s or 2m, not 'soon'\n"
         "4:26: time zone 'Europe/Berln' is unknown; did you mean 'Europe/Berlin'?\n"
         "5:21: 'series.max_ports' must be a whole number, not 'many'\n"
         "6:1: key 'sereis' is unknown; did you mean 'series'?\n"},
        {"inputs:\n"
         "  - fil: /a\n"
         "  - /b\n"
         "  - {file: c, timezone: Europe/Berln}\n"
         "  - {file: /d, sensor: [x]}\n"
         "  - {file: /d}\n"
         "commit_every: [5s]\n"
         "prefixes: [{prefix: A}, {prefix: A, action: drop}, {action: drop}, {action: drop}]\n"
         "late: 2d\n"
         "late: [x]\n",
         "2:5: key 'fil' is unknown; did you mean 'file'?\n"
         "2:5: 'inputs[0]' must say what is read: 'file: PATH', 'journal: kernel' or 'listen: "
         "udp://[::]:5514'\n"
         "3:5: 'inputs[1]' must be a mapping, lines of 'key: value', not one value\n"
         "4:12: 'inputs[2].file' must be a whole path that begins with '/', not 'c'\n"
         "4:25: time zone 'Europe/Berln' is unknown; did you mean 'Europe/Berlin'?\n"
         "5:24: 'inputs[3].sensor' must be one value, not a list\n"
         "6:12: '/d' is the same file as that of inputs[3]; it would be counted twice, so take "
         "one of them out\n"
         "7:15: 'commit_every' must be one value, not a list\n"
         "8:12: key 'action' is missing\n"
         "8:34: prefix 'A' has its action in prefixes[0] already\n"
         "8:52: key 'prefix' is missing\n"
         "8:68: key 'prefix' is missing\n"
         "9:7: 'late' must be a number and s, m or h, such as 5s or 2m, not '2d'\n"
         "10:1: key 'late' is given twice; the first stands in line 9\n"
         "10:7: 'late' must be one value, not a list\n"},
        {"- data: var\n", "1:1: the file must be a mapping, lines of 'key: value', not a list\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        struct config *conf;
        write_file(path, cases[i].yaml);
        assert_int_equal(config_load(path, &conf, &err), -EINVAL);
        assert_null(conf);
        assert_string_equal(faults_text(&err), cases[i].faults);
        error_fini(&err);
    }
}

/* A link to a log is that log. */
static void test_same_file_by_link(void **state)
{
    struct error err = {0};
    struct config *conf;
    char log[96], link[96], yaml[320];

    (void)state;
    snprintf(log, sizeof log, "%s/a.log", dir);
    snprintf(link, sizeof link, "%s/b.log", dir);
    write_file(log, "");
    assert_int_equal(symlink(log, link), 0);
    snprintf(yaml, sizeof yaml, "inputs:\n  - file: %s\n  - file: %s\n", log, link);
    write_file(path, yaml);
    assert_int_equal(config_load(path, &conf, &err), -EINVAL);
    assert_int_equal(err.n, 1);
    assert_int_equal(err.items[0].line, 3);
    error_fini(&err);
}

static void assert_path(char *got, const char *wanted)
{
    assert_string_equal(got, wanted);
    free(got);
}

static void test_data_folder(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/srv/a:/srv/b", 1);
    assert_path(paths_data(), "/srv/a");
    assert_path(paths_choose_data(NULL, ""), "/srv/a");
    assert_path(paths_choose_data(NULL, "/conf"), "/conf");
    assert_path(paths_choose_data("option", "/conf"), "option");
    unsetenv("STATE_DIRECTORY");
    if (geteuid() == 0) {
        assert_path(paths_data(), "/var/lib/scantide");
        return;
    }
    setenv("XDG_STATE_HOME", "/srv/state", 1);
    assert_path(paths_data(), "/srv/state/scantide");
    setenv("XDG_STATE_HOME", "relative", 1);
    setenv("HOME", "/home/x", 1);
    assert_path(paths_data(), "/home/x/.local/state/scantide");
}

static void test_share(void **state)
{
    (void)state;
    setenv("SCANTIDE_SHARE", "/srv/share", 1);
    assert_path(paths_share("parsers"), "/srv/share/parsers");
    unsetenv("SCANTIDE_SHARE");
    char *rrd = paths_share("rrd"); /* this test stands in the checkout's build folder */
    assert_int_equal(access(rrd, R_OK), 0);
    free(rrd);
}

static void test_country_search(void **state)
{
    char empty[96], full[96], name[160];
    const char *const folders[] = {empty, full, NULL};

    (void)state;
    snprintf(empty, sizeof empty, "%s/none", dir);
    snprintf(full, sizeof full, "%s/geo", dir);
    assert_int_equal(mkdir(full, 0755), 0);
    assert_null(paths_find_country(folders));
    static const char *const order[] = {"geo-whois-asn-country.mmdb",
                                        "dbip-country-lite-2026-09.mmdb",
                                        "dbip-country-lite-2026-11.mmdb", "GeoLite2-Country.mmdb"};
    for (size_t i = 0; i < COUNT(order); i++) { /* each goes before those that were there */
        snprintf(name, sizeof name, "%s/%s", full, order[i]);
        write_file(name, "");
        assert_path(paths_find_country(folders), name);
    }
    assert_path(paths_country("/said"), "/said");
    static const char *const asn_order[] = {"asn.mmdb", "dbip-asn-lite-2026-09.mmdb",
                                            "dbip-asn-lite-2026-11.mmdb", "GeoLite2-ASN.mmdb"};
    assert_null(paths_find_asn(folders));
    for (size_t i = 0; i < COUNT(asn_order); i++) {
        snprintf(name, sizeof name, "%s/%s", full, asn_order[i]);
        write_file(name, "");
        assert_path(paths_find_asn(folders), name);
    }
    assert_path(paths_asn("/said"), "/said");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_shipped_file),
        cmocka_unit_test(test_empty_sections),
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_listening),
        cmocka_unit_test(test_listening_faults),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_same_file_by_link),
        cmocka_unit_test(test_data_folder),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_country_search),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
