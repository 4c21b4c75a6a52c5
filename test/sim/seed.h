/*
 * seed.h - a seed is a whole world: zones, a network, a configuration, dials, and a host that does
 * foolish things. seed_draw draws the facts, seed_build makes the world and the text of the
 * configuration from them; the reference (reference.h) reads the facts alone.
 *
 * Each zone has names and addresses of its own (z3.example, h1.z3.example, 10.3.1.2), so whatever
 * the network sees tells which dials it can have been for.
 */
#ifndef SIM_SEED_H
#define SIM_SEED_H

#include "test/sim/dns.h"
#include "test/sim/fetch.h"
#include "test/sim/net.h"
#include "test/sim/world.h"

enum {
    SEED_DOMAINS = 4,    /* zones of recipients */
    SEED_TRANSPORTS = 5, /* each may have a zone of its own, for a relay */
    SEED_ZONES = SEED_DOMAINS + SEED_TRANSPORTS,
    SEED_HOSTS = 5,
    SEED_MX = 40,
    SEED_ADDRESSES = 20, /* of one family of one host */
    SEED_ALIASES = 18,
    SEED_PLACES = 512,
    SEED_ROUTES = 5,
    SEED_LISTS = 7, /* of routes: 2 accounts, 4 domains, the global one */
    SEED_NAMES = 3, /* in FromDomain, ToDomain */
    SEED_LISTENERS = 3,
    SEED_DIALS = 6,
    SEED_ACTS = 12,
    SEED_TLSA = 3,      /* records of one name */
    SEED_PATTERNS = 2,  /* of one MTA-STS policy */
    SEED_MAILS = 3,     /* of one sending */
    SEED_RCPTS = 7,     /* of one message */
    SEED_MAILBOX = 600, /* bytes of the rules of a mailbox */
    SEED_ENTRIES = 30,  /* of the history */
    SEED_OURS = 11,     /* addresses of ours that the world may see */
    SEED_PTR = 13,      /* names of one of them; ten are looked at */
    SEED_SENDERS = 16,  /* domains of senders, and names of ours for EHLO */
    SEED_TEXT = 64
};

enum seed_kind { /* of an address */
                 SEED_ORDINARY = 0,
                 SEED_SPECIAL,  /* loopback, multicast and the like */
                 SEED_MAPPED,   /* an IPv4 address in an AAAA record: never dialed */
                 SEED_OWN,      /* one of the configuration's own */
                 SEED_NAT64,    /* 64:ff9b::/96 with an ordinary address inside */
                 SEED_NAT64_BAD /* … with a loopback one inside */
};

struct seed_place { /* an address, and what is there */
    char text[SEED_TEXT];
    struct mox_ip ip;
    int zone, kind;
    int fate; /* enum net_fate */
    uint32_t ms;
    const struct server_profile *server;
    struct secure secure;
    struct proxy proxy;         /* at PROXY_PORT */
    char mailbox[SEED_MAILBOX]; /* "": it takes everything */
};

struct seed_set { /* one type of one name */
    bool there, first_only, authentic, timed;
    int fate; /* enum dns_fate */
    int rcode, code;
    uint32_t ms; /* if timed */
};

struct seed_addresses { /* an A or AAAA set */
    struct seed_set set;
    int places[SEED_ADDRESSES];
    size_t n;
};

/* A TLSA record, and what is wrong with it. */
enum seed_tlsa_fault {
    SEED_TLSA_FITS = 0, /* in form */
    SEED_TLSA_USAGE,    /* 0 or 1, which SMTP does not know */
    SEED_TLSA_SELECTOR,
    SEED_TLSA_MATCHING,
    SEED_TLSA_SHORT, /* fewer bytes than a hash has */
    SEED_TLSA_FAULTS
};

struct seed_tlsa_record {
    int usage, selector, matching, fault;
    enum paper paper;
};

struct seed_tlsa { /* of _25._tcp below a name */
    struct seed_set set;
    struct seed_tlsa_record records[SEED_TLSA], later;
    size_t n;
};

struct seed_host {
    char name[SEED_TEXT];
    char alias[SEED_TEXT]; /* it is an alias of that; "": it is none */
    struct seed_set cname;
    struct seed_addresses v4, v6;
    struct seed_tlsa tlsa;
};

enum seed_sts_record {
    SEED_STS_GOOD = 0,
    SEED_STS_TWICE,
    SEED_STS_BROKEN,
    SEED_STS_OTHER, /* TXT records of something else */
    SEED_STS_RECORDS
};

enum seed_sts_policy {
    SEED_STS_POLICY = 0,
    SEED_STS_NO_MODE,
    SEED_STS_NO_MX,
    SEED_STS_NONSENSE,
    SEED_STS_POLICIES
};

struct seed_sts { /* of a domain */
    struct seed_set txt;
    int record, policy, mode; /* mode: 0 none, 1 testing, 2 enforce */
    char mx[SEED_PATTERNS][SEED_TEXT];
    size_t nmx;
    int status, fate; /* of struct fetch_page */
    uint32_t ms;
};

struct seed_mx {
    int preference;
    char target[SEED_TEXT];
};

struct seed_zone {
    struct seed_host domain;  /* the domain itself */
    char mx_owner[SEED_TEXT]; /* the domain, or the end of its aliases */
    struct seed_set mx_set;
    struct seed_mx mx[SEED_MX];
    size_t nmx;
    struct seed_host hosts[SEED_HOSTS];
    size_t nhosts;
    struct seed_host aliases[SEED_ALIASES]; /* of the domain and of hosts */
    size_t naliases;
    struct seed_sts sts;
};

struct seed_transport {
    char name[SEED_TEXT];
    int kind; /* enum mox_kind */
    bool no_starttls, skip_verify, auth, learned, reverse_dns, spf;
    bool proxy_login;
    int mechanisms[LOGIN_MECHANISMS]; /* enum login_mechanism */
    size_t nmechanisms;               /* 0: the default */
    uint32_t families;                /* allowed */
    int prefer;
    int port; /* 0: the default */
    int zone; /* of its relay */
    int fail_code;
    struct mox_ip local_ips[2];
    size_t nlocal_ips;
};

struct seed_item { /* of FromDomain, ToDomain */
    int name;      /* of seed_name; -1: the empty domain, "." */
    bool below;    /* with a leading dot */
    int spelling;
};

struct seed_hours {
    const char *days; /* 1 is Monday; "": all */
    int from, until;  /* minutes; 0 and 0: no such condition */
};

enum { SEED_NEVER_FULL = 1000 }; /* a maximum that no world comes near */

struct seed_conditions { /* all zero: none */
    char to_mx[SEED_TEXT];
    struct seed_hours hours;
    int span, zone; /* as text */
    int32_t offset_s;
    uint32_t percent, max[3]; /* a minute, an hour, a day */
};

struct seed_route {
    struct seed_item from[SEED_NAMES], to[SEED_NAMES];
    size_t nfrom, nto;
    int attempts, transport;
    struct seed_conditions conditions;
};

struct seed_list {
    int scope; /* enum mox_scope */
    char name[SEED_TEXT];
    int domain; /* of seed_name, for MOX_SCOPE_DOMAIN */
    struct seed_route routes[SEED_ROUTES];
    size_t n;
};

struct seed_listener { /* of a mox.conf */
    const char *ips[2];
    size_t n;
    bool smtp;
};

struct seed_config {
    bool there;
    bool mox; /* a mox.conf and a domains.conf, which lack our own keys */
    struct seed_listener listeners[SEED_LISTENERS];
    size_t nlisteners;
    struct seed_transport transports[SEED_TRANSPORTS];
    size_t ntransports;
    struct seed_list lists[SEED_LISTS];
    size_t nlists;
    bool hosted[SEED_DOMAINS]; /* the zone's domain is among Domains */
    bool allow_special;
    bool nat[SEED_DOMAINS]; /* the zone's own addresses are among NATIPs */
    uint32_t race_ms;
    struct mox_timeouts timeouts;
    uint32_t dial_ms;
    struct mox_ip local_ips[2];
    size_t nlocal_ips;
};

struct seed_ours_name { /* in a PTR record */
    char text[SEED_TEXT];
    struct seed_set set; /* of its addresses, of our address's family */
    bool leads;          /* back to our address */
};

struct seed_ours { /* an address of ours, and what DNS says of it */
    struct mox_ip ip;
    char text[SEED_TEXT], reverse[2 * SEED_TEXT], alias[SEED_TEXT];
    struct seed_set ptr, cname; /* cname.there: the reverse name is an alias */
    struct seed_ours_name names[SEED_PTR];
    size_t n;
};

enum seed_spf { /* the record of a sender's domain; its ip4 and ip6 are our usual addresses */
                SEED_SPF_NONE = 0,
                SEED_SPF_PASS,
                SEED_SPF_NEUTRAL,
                SEED_SPF_SOFTFAIL,
                SEED_SPF_FAIL,
                SEED_SPF_IP4, /* -all behind it */
                SEED_SPF_IP6, /* ~all behind it */
                SEED_SPF_NAT, /* -all behind the addresses that stand for ours */
                SEED_SPF_TWICE,
                SEED_SPF_BROKEN,
                SEED_SPF_OF_SENDER, /* a name with the local part, which is not there, and -all */
                SEED_SPF_KINDS
};

struct seed_sender {
    char name[SEED_TEXT];
    struct seed_set txt; /* not there: no record at all */
    int kind;            /* enum seed_spf */
};

enum seed_target { SEED_TO_DOMAIN = 0, SEED_TO_LITERAL };

enum seed_habit { /* of the host, once it has its connection */
                  SEED_KEEPS = 0,
                  SEED_CLOSES,    /* in the callback */
                  SEED_GOES_ON,   /* mox_dial_next in the callback */
                  SEED_COMPLAINS, /* the same, with what the server said of our address */
                  SEED_FREES,     /* the context, in the callback */
                  SEED_CANCELS,   /* all other dials, in the callback */
                  SEED_WATCHES,   /* it speaks, and waits for what the server says */
                  SEED_DELIVERS
};

struct seed_mail { /* a message */
    unsigned rcpts, lines, pauses;
    uint32_t flags;               /* MOX_MSG_ bits */
    bool reader, rewinds, breaks; /* its body; breaks: in the middle */
    bool utf8, odd;               /* a recipient with a UTF-8 local part, a malformed one */
};

enum seed_note { /* what the host tells the history of a connection */
                 SEED_NOTES_NOTHING = 0,
                 SEED_NOTES_ACCEPTED,
                 SEED_NOTES_CERTAIN,
                 SEED_NOTES_POSSIBLE,
                 SEED_NOTES_OTHER, /* a refusal that is not about our address */
                 SEED_NOTES
};

struct seed_entry { /* of the history, before it all began */
    char key[4 * SEED_TEXT];
    const char *value;
    int family;
};

struct seed_dial {
    int zone, target, place; /* the place of a literal */
    int from, from_account;  /* seed_name, -1: null sender; index of lists, -1: none */
    char from_text[SEED_TEXT], to_text[SEED_TEXT + 16], account[SEED_TEXT], key[SEED_TEXT];
    uint32_t attempts, count;
    char transport[SEED_TEXT]; /* override */
    char server[SEED_TEXT + 8];
    int server_place; /* -1: a host by name, or no server */
    uint32_t families, flags, timeout_ms, race_ms;
    struct mox_timeouts timeouts;
    struct mox_ip sources[2];
    size_t nsources;
    struct mox_dialed dialed[4];
    size_t ndialed;
    int stop_at, port;
    int habit, goes_on; /* how often it goes on */
    int notes;          /* enum seed_note, of its first connection; of the others it accepts */
    bool with_plan, resolves_first;
    struct seed_mail mails[SEED_MAILS]; /* for SEED_DELIVERS */
    size_t nmails, ahead;               /* ahead: under way at once */
    int repeats;                        /* more dials for the same again */
};

enum seed_deed {
    SEED_START,
    SEED_CANCEL,
    SEED_SHUTDOWN,
    SEED_FREE,
    SEED_RELOAD,
    SEED_NEXT,
    SEED_CLOSE,
    SEED_DROP_PLAN,
    SEED_ROLL /* the TLSA records of the dial's zone are others from now on */
};

struct seed_act {
    unsigned at; /* event number */
    int deed, dial;
    uint32_t pause_ms; /* before it */
};

struct seed {
    uint64_t number, random;
    struct seed_place places[SEED_PLACES];
    size_t nplaces;
    struct seed_zone zones[SEED_ZONES];
    struct seed_ours ours[SEED_OURS];
    struct seed_sender senders[SEED_SENDERS]; /* those of seed_name first */
    struct seed_config configs[2];            /* the second by SEED_RELOAD */
    struct seed_dial dials[SEED_DIALS];
    size_t ndials;
    struct seed_act acts[SEED_ACTS];
    size_t nacts;
    uint32_t dns_ms, max_write, max_per_address, max_idle;
    bool dns_at_once, eager;
    bool secure; /* TLS and what belongs to it was drawn; else servers know nothing of it */
    int store;   /* enum store_kind */
    struct seed_entry entries[SEED_ENTRIES];
    size_t nentries;
    long fail_at, fail_every; /* allocations: the first that fails, then each so many; 0: none */
};

/* Names of envelopes and routes: the domains of the zones first, then senders. */
struct seed_name {
    const char *canonical;
    const char *spellings[3]; /* as configurations and envelopes may write it */
};
const struct seed_name *seed_name(int i);
int seed_names(void);

void seed_draw(uint64_t number, struct seed *seed);

/* Of the seed's own chance. */
uint64_t seed_random(struct seed *seed);
unsigned seed_below(struct seed *seed, unsigned n);
bool seed_one_in(struct seed *seed, unsigned n);

/* The parts of seed_draw, in files of their own. */
void seed_draw_zones(struct seed *seed);
void seed_draw_config(struct seed *seed, struct seed_config *config);
void seed_draw_dials(struct seed *seed);
void seed_draw_timeouts(struct seed *seed, struct mox_timeouts *timeouts);
void seed_draw_security(struct seed *seed);
void seed_draw_mail(struct seed *seed);
void seed_draw_history(struct seed *seed);
void seed_draw_routes(struct seed *seed);
void seed_draw_gates(struct seed *seed);

/* Of every 20th seed: servers refuse our address; a world of family health in place of what it was.
 * With a chance of their own, so that what all other numbers meant they mean still. */
void seed_draw_refusals(struct seed *seed);
void seed_draw_health(struct seed *seed);

void seed_draw_set(struct seed *seed, struct seed_set *set);
int seed_add_place(struct seed *seed, int zone, int kind, int family);

/* Puts the zones and the network into a bare world. */
void seed_build(const struct seed *seed, struct world *w);

/* Of what seed_draw_security drew; and other TLSA records for a zone, in the seed and the world. */
void seed_build_security(const struct seed *seed, struct world *w);
void seed_roll(struct seed *seed, int zone, struct world *w);

/* A set of the world as it was drawn, without records. */
struct dns_set *seed_build_set(struct world *w, const char *name, const char *type,
                               const struct seed_set *from);

/* What DNS says of our own addresses, and of senders. */
void seed_build_gates(const struct seed *seed, struct world *w);

/* Its store, with what is in it. */
void seed_build_history(const struct seed *seed, struct world *w);

/* The conditions of a route as lines of a configuration. */
size_t seed_conditions_text(const struct seed_conditions *conditions, const char *tabs, char *out,
                            size_t cap);

/* The policy that the domain of the zone publishes, as text. */
size_t seed_sts_text(const struct seed_sts *sts, char *out, size_t cap);

/* The text of a configuration, or of its mox.conf and, into *domains, its domains.conf; in the
 * world's memory. */
const char *seed_config_text(const struct seed_config *config, struct world *w,
                             const char **domains);

#endif
