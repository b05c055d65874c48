#include "parse/stranger.h"

#include <string.h>

/* By their first letters; what stands behind "postfix/" is one of its parts. */
static const char *const programs[] = {
    "sshd",     "sshd-session", "sshd-auth", "sudo",      "su",         "sendmail",
    "squid",    "smbd",         "snmpd",     "dropbear",  "dovecot",    "dnsmasq",
    "login",    "lighttpd",     "ftpd",      "in.ftpd",   "in.telnetd", "in.rshd",
    "telnetd",  "vsftpd",       "proftpd",   "pure-ftpd", "php-fpm",    "postfix",
    "postgres", "exim",         "exim4",     "named",     "nginx",      "nmbd",
    "unbound",  "apache2",      "asterisk",  "haproxy",   "httpd",      "mysqld",
    "mariadbd", "opensmtpd",    "smtpd",     "rsyncd",    "fail2ban",   "fail2ban.actions",
};

bool stranger_speaks(struct str tag)
{
    if (tag.n < 2 || !memchr("sdlfitvpenuahmor", tag.p[0], 16))
        return false;
    const char *slash = memchr(tag.p, '/', tag.n);
    struct str name = {tag.p, slash ? (size_t)(slash - tag.p) : tag.n};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (programs[i][0] == name.p[0] && str_eq(name, str_from(programs[i])))
            return true;
    return false;
}
