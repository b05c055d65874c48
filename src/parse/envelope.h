/* envelope.h - what stands before a message: priority, time, host, tag, the kernel's uptime.
 *
 * Takes RFC 3164 with the deviations that are met in logs, RFC 5424, Cisco's sequence numbers and
 * uptimes, OpenWrt's logread, Proxmox' pve-firewall, dmesg, journalctl's short forms and its JSON;
 * one such head behind another, as relays leave it, of which the outer one counts. What it doesn't
 * know it leaves to the message. Pure; any thread.
 *
 * Heads are read in envelope.c; those of RFC 5424 and of journalctl -o json, which have a grammar
 * of their own, in envelope_5424.c and envelope_json.c. */
#ifndef SCANTIDE_PARSE_ENVELOPE_H
#define SCANTIDE_PARSE_ENVELOPE_H

#include "base/str.h"
#include "parse/clock.h"

/* The longest line, and so message, in bytes. */
enum { LINE_MAX_BYTES = 8192 };

struct envelope {
    struct stamp stamp;
    struct str stamp_text; /* as it stands in the line; empty for none */
    struct str host;       /* empty for none */
    struct str tag;        /* the logger's name, without pid and colon; empty for none */
    struct str message;  /* without a known logger's tag ("kernel:", "name[pid]:") and the uptime */
    struct str body;     /* the same without any tag, also one that may be a rule's prefix */
    bool process;        /* the logger is a process: it has a pid, or is the journal's */
    uint32_t repeated;   /* "message repeated N times: [ message ]"; else 1 */
    const char *tag_end; /* behind a known logger's tag and its blank; NULL: there is none */
    bool plain; /* the line begins with the stamp, or the priority and it, and envelope_parse_rest()
                   reads the rest */
};

/* `line`: without its newline. Always succeeds: at worst all of the line is message. `scratch`:
 * LINE_MAX_BYTES, which the message may point into (JSON) and must live as long; NULL: JSON isn't
 * looked into. */
void envelope_parse(struct str line, char *scratch, struct envelope *out);

/* For a line that has the same text as a plain line before up to its tag_end, `head` bytes: its
 * message, and how often. */
void envelope_parse_message(struct str line, size_t head, struct envelope *out);

/* For a line whose stamp is the same text as the line before's: the parts behind it only.
 * `stamp_len`: bytes of the line up to the stamp's end. Leaves out->stamp alone. */
void envelope_parse_rest(struct str line, size_t stamp_len, struct envelope *out);

#endif
