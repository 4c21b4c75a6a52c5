/*
 * limits.h - every bound of the library, with unit and reason. Exceeding one is an error, or a
 * drop, that names it.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
    /* configuration */
    MOX_LIMIT_CONFIG = 64 << 20,      /* bytes of all files together */
    MOX_LIMIT_CONFIG_LINE = 64 << 10, /* bytes of one line */
    MOX_LIMIT_CONFIG_DEPTH = 16,      /* nested blocks; mox's schema needs 9 */
    MOX_LIMIT_CONFIG_PROBLEMS = 1000, /* problems told one by one; the rest is counted */
    MOX_LIMIT_CA_FILE = 16 << 20,     /* bytes of a file of certificates that is looked at */
    MOX_LIMIT_CONFIG_SOURCES = 16,    /* files of one configuration */
    MOX_LIMIT_FAIL_MESSAGE = 256,     /* bytes, mox's own bound on Fail.SMTPMessage */

    /* names and addresses */
    MOX_LIMIT_DOMAIN = 253,           /* bytes, RFC 1035 section 2.3.4 without the final dot */
    MOX_LIMIT_LABEL = 63,             /* bytes, the same */
    MOX_LIMIT_LABELS = 127,           /* labels that fit a name */
    MOX_LIMIT_ADDRESS = 64 + 1 + 255, /* bytes of a mailbox, RFC 5321 section 4.5.3.1 */
    MOX_LIMIT_LOCAL_PART = 64,        /* bytes as sent, RFC 5321 section 4.5.3.1.1, RFC 6531 too */
    MOX_LIMIT_PATH = 64 + 1 + 253,    /* bytes of a mailbox as sent: no domain is longer */
    MOX_LIMIT_IP_TEXT = 64,           /* bytes that hold any address with its zone, and NUL */
    MOX_LIMIT_REVERSE_NAME = 73,      /* bytes of its name in the reverse zone, and NUL */

    /* DNS */
    MOX_LIMIT_DNS_MESSAGE = 65535,   /* bytes, RFC 1035 section 4.2.2 */
    MOX_LIMIT_DNS_RECORDS = 4096,    /* records of one answer that are read */
    MOX_LIMIT_DNS_BUILT = 4 << 20,   /* bytes of an answer made from a host's records */
    MOX_LIMIT_DNS_IN_FLIGHT = 100,   /* questions at once to the name servers; more wait */
    MOX_LIMIT_DNS_SERVERS = 8,       /* name servers asked; resolv.conf has 3 by custom */
    MOX_LIMIT_RESOLV_CONF = 1 << 20, /* bytes of resolv.conf */
    MOX_LIMIT_CNAME = 10,            /* aliases of a host followed */
    MOX_LIMIT_NEXT_HOP = 16,         /* the recipient domain and 15 aliases, as mox */
    MOX_LIMIT_MX = 32,               /* MX hosts considered */
    MOX_LIMIT_HOST_ADDRESSES = 16,   /* addresses of one host, both families represented */
    MOX_LIMIT_HOSTS_FILE = 4 << 20,  /* bytes of the hosts file */
    MOX_LIMIT_TLSA = 64,             /* TLSA records of one host; lists of a CA's keys have 20 */
    MOX_LIMIT_PTR = 10, /* names of an address; the rest is passed over, RFC 7208 4.6.4 */

    /* dialing */
    MOX_LIMIT_ATTEMPTS = 10,  /* addresses dialed in one delivery */
    MOX_LIMIT_GREETED = 4,    /* sessions that reached a greeting in one delivery */
    MOX_LIMIT_IN_FLIGHT = 2,  /* connects at once in a race */
    MOX_LIMIT_DIALED = 64,    /* entries of a history given with a dial */
    MOX_LIMIT_DROPS = 1024,   /* dropped addresses a plan lists one by one; the rest is counted */
    MOX_LIMIT_FINDINGS = 256, /* what a context keeps of our addresses (RequireReverseDNS …) */
    MOX_LIMIT_FINDING_LIFE = 3600, /* seconds it is kept, whatever DNS says */

    /* SMTP */
    MOX_LIMIT_REPLY_LINE = 2048,          /* bytes with the line end; mox's bound */
    MOX_LIMIT_REPLY_LINES = 128,          /* lines of one reply */
    MOX_LIMIT_REPLY = 16 << 10,           /* bytes of one reply */
    MOX_LIMIT_REPLY_KEPT = 256,           /* bytes of a refusal that the history keeps, and NUL */
    MOX_LIMIT_READ_AHEAD = 16 << 10,      /* bytes read and not yet asked for */
    MOX_LIMIT_BODY_READ = 64 << 10,       /* bytes of a message read at once, or made of LF lines */
    MOX_LIMIT_BODY_PIECE = 256 << 10,     /* bytes of one written at once: each has a deadline */
    MOX_LIMIT_AUTH_ROUNDS = 8,            /* challenges of one login; SCRAM has 2 */
    MOX_LIMIT_TOKEN = 16 << 10,           /* bytes of an OAuth token, NUL included */
    MOX_LIMIT_RETRY_AFTER = 86400,        /* seconds that a server's text may ask us to wait */
    MOX_LIMIT_SCRAM_ITERATIONS = 1000000, /* of PBKDF2 for one login: about a second of ours */
    MOX_LIMIT_SASL_DETAIL = 200,          /* bytes of what a server tells inside a mechanism */
    MOX_LIMIT_COMMAND = 2048,             /* bytes of MAIL or RCPT with all parameters */
    MOX_LIMIT_ENVID = 100,                /* bytes of ENVID= as sent, RFC 3461 section 4.4 */
    MOX_LIMIT_ORCPT = 500,                /* bytes of ORCPT= as sent, RFC 3461 section 5.2.7.1 */
    MOX_LIMIT_MAIL_AUTH = 500,            /* bytes of AUTH= at MAIL as sent, RFC 4954 section 3 */

    /* MTA-STS */
    MOX_LIMIT_STS_POLICY = 64 << 10, /* bytes of a policy, RFC 8461 section 3.3 */
    MOX_LIMIT_STS_AGE = 31557600,    /* seconds of max_age, RFC 8461 section 3.2 */
    MOX_LIMIT_STS_REFRESHES = 16,    /* policies of a context that are fetched ahead at once */

    /* SPF; what RFC 7208 section 4.6.4 asks for, unless another reason stands there */
    MOX_LIMIT_SPF_LOOKUPS = 10,        /* terms of a check that ask DNS */
    MOX_LIMIT_SPF_VOIDS = 2,           /* of them that find nothing */
    MOX_LIMIT_SPF_MX = 10,             /* hosts of one mx */
    MOX_LIMIT_SPF_SECONDS = 20,        /* for a check: the least that may be the most */
    MOX_LIMIT_SPF_DEPTH = 11,          /* records under way: the first, one a term of include */
    MOX_LIMIT_SPF_EXPANSION = 8 << 10, /* bytes of a name with macros, before it is cut */
    MOX_LIMIT_SPF_HELO = 255,          /* bytes of HELO and of our own name that macros see */

    /* preflight */
    MOX_LIMIT_PREFLIGHT_SOURCES = 16, /* addresses of ours that are checked */
    MOX_LIMIT_PREFLIGHT_DOMAINS = 64, /* own domains whose MX hosts are looked at */
    MOX_LIMIT_PREFLIGHT_HOSTS = 4,    /* of each */
    MOX_LIMIT_PREFLIGHT_SECONDS = 60, /* for all of them: DNS may be silent about each */
    MOX_LIMIT_PROBE_SECONDS = 10,     /* to reach an own public address, and for its reply */

    /* TLS */
    MOX_LIMIT_TLS_SESSIONS = 4096,          /* sessions that a context keeps to resume them */
    MOX_LIMIT_TLS_SESSIONS_BYTES = 4 << 20, /* bytes of them all */
    MOX_LIMIT_TLS_SESSION = 16 << 10,       /* bytes of one, with what is known of its server */
    MOX_LIMIT_TLS_SESSION_LIFE = 86400,     /* seconds from a full handshake, RFC 5246 F.1.4 */
    MOX_LIMIT_TLS_FLIGHT = 512,             /* bytes of records that leave together */
    MOX_LIMIT_TLS_AHEAD = 2 << 10,          /* bytes read ahead; a resumed server's flight fits */

    /* certificates; each bounds the signatures that a hostile server makes us check */
    MOX_LIMIT_CHAIN = 10,             /* sent by a server: its own, 8 between, an anchor */
    MOX_LIMIT_DANE_ANCHORS = 4,       /* trust anchors of usage 2 tried; two keys, rolled over */
    MOX_LIMIT_CERTIFICATE_NAMES = 64, /* DNS names of one that are shown; the rest is left out */

    /* the context */
    MOX_LIMIT_IDS = 1 << 24,         /* ops, queries and streams of a context at one time */
    MOX_LIMIT_SPARES = 32,           /* ended objects of one size that are kept */
    MOX_LIMIT_DESCRIPTORS = 1 << 20, /* a descriptor's number, for the table of interests */
    MOX_LIMIT_EVENTS = 4096,    /* that one dispatch runs before the host's loop has its turn */
    MOX_LIMIT_STORE_KEY = 1000, /* bytes; the longest of ours has under 600 */
    MOX_LIMIT_STORE_VALUE = 128 << 10,  /* bytes; an MTA-STS policy and its time fit */
    MOX_LIMIT_MEMORY_ENTRIES = 1 << 16, /* keys that the memory store keeps */
    MOX_LIMIT_MEMORY_BYTES = 32 << 20,  /* bytes of its keys and values together */
    MOX_LIMIT_HISTORY_WRITES = 256,     /* entries of the history that are read to be written */
    MOX_LIMIT_HISTORY = 1 << 16,        /* entries of the history that are listed */
    MOX_LIMIT_FAMILY_HOSTS = 3          /* hosts that must stall before a family is put last */
};

#endif
