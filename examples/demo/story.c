/*
 * story.c - see story.h.
 */
#include "story.h"

#include "servers.h"

const struct story_file story_files[] = {
    {"default.conf", "Hostname: mail.example.com\n"},
    {"ipv4only.conf", "Hostname: mail.example.com\n"
                      "Transports:\n"
                      "\tipv4only:\n"
                      "\t\tDirect:\n"
                      "\t\t\tDisableIPv6: true\n"
                      "Routes:\n"
                      "\t-\n"
                      "\t\tToDomain:\n"
                      "\t\t\t- example.org\n"
                      "\t\t\t- ipv6only.example\n"
                      "\t\tTransport: ipv4only\n"},
    {"misspelt.conf", "Hostname: mail.example.com\n"
                      "Transports:\n"
                      "\tipv4only:\n"
                      "\t\tDirect:\n"
                      "\t\t\tDisableIP6: true\n"
                      "Routes:\n"
                      "\t-\n"
                      "\t\tToDomain:\n"
                      "\t\t\t- example.org\n"
                      "\t\tTransport: ipv4only\n"},
    {"oneline.conf", "Hostname: mail.example.com\n"
                     "Transports:\n"
                     "\tipv4only:\n"
                     "\t\tDirect:\n"
                     "\t\t\tDisableIPv6: true\n"
                     "Routes:\n"
                     "\t- ToDomain: example.org\n"
                     "\t  Transport: ipv4only\n"},
    {"smarthost.conf", "Hostname: mail.example.com\n"
                       "Transports:\n"
                       "\tsmarthost:\n"
                       "\t\tSubmission:\n"
                       "\t\t\tHost: smarthost.example\n"
                       "\t\t\tAuth:\n"
                       "\t\t\t\tUsername: mail@example.com\n"
                       "\t\t\t\tPassword: correct horse battery staple\n"
                       "\t\t\t\tMechanisms:\n"
                       "\t\t\t\t\t- PLAIN\n"
                       "Routes:\n"
                       "\t-\n"
                       "\t\tTransport: smarthost\n"},
};

const size_t story_nfiles = sizeof story_files / sizeof *story_files;

const struct story_step story_steps[] = {
    {
        .title = "The default: both families",
        .text = "The MX host of example.org has an IPv6 and an IPv4 address. Its server refuses\n"
                "our IPv6 address, which has no reverse DNS. The same dial is saved over IPv4.",
        .args = {"dial", "example.org"},
        .file = "default.conf",
        .status = 0,
        .mx = STORY_ASKED,
        .a = STORY_ASKED,
        .aaaa = STORY_ASKED,
        .ipv6 = STORY_ONCE,
        .ipv4 = STORY_ONCE,
        .says = {"127.0.0.1", "ready"},
        .says_with_ipv6 = "550 5.7.1",
        .proven = "refused over IPv6, saved over IPv4 in the same dial",
    },
    {
        .title = "IPv4 only to example.org, in mox's own configuration",
        .text = "A route gives example.org to a transport that disables IPv6. The command says\n"
                "which route that is, and why.",
        .show = "ipv4only.conf",
        .args = {"route", "--explain", "example.org"},
        .file = "ipv4only.conf",
        .status = 0,
        .says = {"ipv4only"},
        .proven = "the route is found; no question was asked, nothing was dialed",
    },
    {
        .title = "The same dial, with that route",
        .text = "IPv6 is neither dialed nor asked for: no AAAA question leaves this machine.",
        .args = {"dial", "example.org"},
        .file = "ipv4only.conf",
        .status = 0,
        .mx = STORY_ASKED,
        .a = STORY_ASKED,
        .ipv4 = STORY_ONCE,
        .says = {"127.0.0.1", "ipv4only"},
        .proven = "IPv6 was never touched, AAAA was never asked for",
    },
    {
        .title = "A domain without the route",
        .text = "The same configuration, but example.net is in no route: nothing has changed for\n"
                "it. Both families are asked for and dialed.",
        .args = {"dial", "example.net"},
        .file = "ipv4only.conf",
        .status = 0,
        .mx = STORY_ASKED,
        .a = STORY_ASKED,
        .aaaa = STORY_ASKED,
        .ipv6 = STORY_ONCE,
        .ipv4 = STORY_ONCE,
        .says = {"127.0.0.1"},
        .says_with_ipv6 = "550 5.7.1",
        .proven = "both families, as without a configuration",
    },
    {
        .title = "A host that has IPv6 only, under ipv4only",
        .text =
            "No way is left, and the library does not fall back to what was forbidden. The\n"
            "error names the family, the transport and its line. It is temporary: the mail waits\n"
            "in the queue until the configuration or the host has been mended.",
        .args = {"dial", "ipv6only.example"},
        .file = "ipv4only.conf",
        .status = 75,
        .mx = STORY_ASKED,
        .a = STORY_ASKED,
        .says = {"IPv6", "ipv4only", "ipv4only.conf:"},
        .proven = "a clear error; AAAA was never asked for, nothing was dialed",
    },
    {
        .title = "A misspelt key",
        .text =
            "Were it skipped, mail would go out over IPv6 in silence. So it is an error, which\n"
            "names the nearest key.",
        .show = "misspelt.conf",
        .args = {"config", "check"},
        .file = "misspelt.conf",
        .status = 78,
        .says = {"misspelt.conf:5:", "DisableIP6", "DisableIPv6"},
        .proven = "the error has the line and the cure",
    },
    {
        .title = "A route written as YAML would have it",
        .text = "In mox's format a list stands on lines of its own.",
        .show = "oneline.conf",
        .args = {"config", "check"},
        .file = "oneline.conf",
        .status = 78,
        .says = {"oneline.conf:7:", "ToDomain"},
        .proven = "the error has the line and the cure",
    },
    {
        .title = "And nobody dials with a broken configuration",
        .text = "A dial reads the same file, and stops there.",
        .args = {"dial", "example.org"},
        .file = "misspelt.conf",
        .status = 78,
        .says = {"misspelt.conf:5:"},
        .proven = "no question was asked, nothing was dialed",
    },
    {
        .title = "TLS where it is offered",
        .text = "This server offers STARTTLS, and its certificate is signed by nobody but itself.\n"
                "Nothing is published about it, so any certificate will do: better than in clear.",
        .args = {"dial", "selfsigned.example"},
        .file = "default.conf",
        .status = 0,
        .mx = STORY_ASKED,
        .a = STORY_ASKED,
        .aaaa = STORY_ASKED,
        .ipv4 = STORY_ONCE,
        .heard = "EHLO STARTTLS [TLS] EHLO QUIT",
        .says = {"TLSv1", "not verified"},
        .proven = "in TLS, and nobody claims that it is verified",
    },
    {
        .title = "The same server, verified by DANE",
        .text = "As mx.dane.example it has a TLSA record, the hash of its key, and DNSSEC proves\n"
                "it. Now this very key is demanded. The command tells what was, and why.",
        .args = {"dial", "--trust-ad", "--explain-tls", "dane.example"},
        .file = "default.conf",
        .status = 0,
        .mx = STORY_ASKED,
        .a = STORY_ASKED,
        .aaaa = STORY_ASKED,
        .tlsa = STORY_ASKED,
        .ipv4 = STORY_ONCE,
        .heard = "EHLO STARTTLS [TLS] EHLO QUIT",
        .says = {"verified (dane)"},
        .proven = "verified by its TLSA record, without any authority",
    },
    {
        .title = "An impostor",
        .text = "The TLSA record of mx.impostor.example is of another key. Whoever answers there\n"
                "gets no sender, no recipient, no mail.",
        .args = {"dial", "--trust-ad", "impostor.example"},
        .file = "default.conf",
        .status = 77,
        .mx = STORY_ASKED,
        .a = STORY_ASKED,
        .aaaa = STORY_ASKED,
        .tlsa = STORY_ASKED,
        .ipv4 = STORY_ONCE,
        .heard = "EHLO STARTTLS",
        .says = {"DANE: 1 usable TLSA record, which does not match", "3 1 1 would be"},
        .proven = "not a word after STARTTLS; the error says what was found",
    },
    {
        .title = "A smarthost with a login",
        .text = "Its certificate must be for its name, by an authority that we trust: here the\n"
                "demo's own. Only then the password is said; the dialogue shows it to nobody.\n"
                "PLAIN gives it away to the server, so it is used only where it is listed.",
        .show = "smarthost.conf",
        .args = {"dial", "-vv", "example.org"},
        .file = "smarthost.conf",
        .authority = STORY_AUTHORITY,
        .status = 0,
        .a = STORY_ASKED,
        .aaaa = STORY_ASKED,
        .ipv4 = STORY_ONCE,
        .heard = "EHLO STARTTLS [TLS] EHLO AUTH QUIT",
        .says = {"verified (pkix)", "AUTH PLAIN ***"},
        .hides = {"correct horse", servers_login},
        .proven = "verified and logged in; the password is not in the output",
    },
};

const size_t story_nsteps = sizeof story_steps / sizeof *story_steps;
