/*
 * test_dial_deliver.c - messages as a host sends them: dial, deliver, and go on with the next
 * candidate for as long as that is the advice.
 */
#include "dial_world.h"
#include "test/sim/mailbox.h"

enum { RCPTS = 8 };

static const char text[] = "Subject: hello\r\n\r\n.a dot\r\nbye\r\n";

#define TWO_FAMILIES                                                                               \
    "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"                               \
    "mx.example.org AAAA 2001:db8::1\n192.0.2.1 up\n2001:db8::1 up\n"
#define TWO_HOSTS                                                                                  \
    "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"                         \
    "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n192.0.2.1 up\n192.0.2.2 up\n"
#define ONE_ADDRESS "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n192.0.2.1 up\n"
#define THREE_ADDRESSES                                                                            \
    "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"                         \
    "m1.example.org A 192.0.2.1\nm1.example.org AAAA 2001:db8::1\nm2.example.org A 192.0.2.2\n"    \
    "192.0.2.1 up\n2001:db8::1 up\n192.0.2.2 up\n"
#define NO_PTR "550_5.7.25_Client_host_rejected:_cannot_find_your_reverse_hostname"

static const struct deliver_case {
    const char *name, *world;
    const char *rcpts;   /* "b@example.org c@example.org" */
    uint32_t attempts;   /* made before */
    const char *results; /* "accepted@192.0.2.1 permanent@192.0.2.1", in order */
    const char *dials;
    unsigned taken; /* messages that servers took */
    int status, action;
    const char *says;
} cases[] = {
    {"one recipient", TWO_FAMILIES, "b@example.org", 0, "accepted@2001:db8::1", "2001:db8::1@0", 1,
     MOX_OK, 0, NULL},
    {"two", TWO_FAMILIES, "b@example.org c@example.org", 0,
     "accepted@2001:db8::1 accepted@2001:db8::1", NULL, 1, MOX_OK, 0, NULL},
    {"without PIPELINING", TWO_FAMILIES "mailbox 2001:db8::1 plain\n",
     "b@example.org c@example.org", 0, "accepted@2001:db8::1 accepted@2001:db8::1", NULL, 1, MOX_OK,
     0, NULL},
    {"one is refused for good",
     TWO_FAMILIES "mailbox 2001:db8::1 rcpt=550_5.1.1_no_such_user|250_ok\n",
     "b@example.org c@example.org", 0, "permanent@2001:db8::1 accepted@2001:db8::1", NULL, 1,
     MOX_E_REFUSED, MOX_ACTION_GIVE_UP, "no such user"},
    {"our IPv6 address at MAIL: IPv4 takes it",
     TWO_FAMILIES "mailbox 2001:db8::1 mail=" NO_PTR "\n", "b@example.org", 0, "accepted@192.0.2.1",
     "2001:db8::1@0 192.0.2.1@40", 1, MOX_OK, 0, NULL},
    {"our IPv6 address at the first RCPT", TWO_FAMILIES "mailbox 2001:db8::1 rcpt=" NO_PTR "\n",
     "b@example.org c@example.org", 0, "accepted@192.0.2.1 accepted@192.0.2.1", NULL, 1, MOX_OK, 0,
     NULL},
    {"possibly our address: 5.7.1", TWO_FAMILIES "mailbox 2001:db8::1 rcpt=550_5.7.1_rejected\n",
     "b@example.org", 0, "accepted@192.0.2.1", NULL, 1, MOX_OK, 0, NULL},
    {"both families are refused: the reply of the last",
     TWO_FAMILIES "mailbox 2001:db8::1 mail=" NO_PTR "\nmailbox 192.0.2.1 mail=" NO_PTR "\n",
     "b@example.org", 0, "permanent@192.0.2.1", NULL, 0, MOX_E_REFUSED, MOX_ACTION_GIVE_UP, NULL},
    {"there is no other family, nor another host",
     ONE_ADDRESS "mailbox 192.0.2.1 mail=" NO_PTR "\n", "b@example.org", 0, "permanent@192.0.2.1",
     "192.0.2.1@0", 0, MOX_E_REFUSED, MOX_ACTION_GIVE_UP, NULL},
    {"there is no other family: the next host takes it",
     TWO_HOSTS "mailbox 192.0.2.1 mail=" NO_PTR "\n", "b@example.org", 0, "accepted@192.0.2.2",
     NULL, 1, MOX_OK, 0, NULL},
    {"every host refuses our address",
     TWO_HOSTS "mailbox 192.0.2.1 mail=" NO_PTR "\nmailbox 192.0.2.2 rcpt=" NO_PTR "\n",
     "b@example.org c@example.org", 0, "permanent@192.0.2.2 permanent@192.0.2.2", NULL, 0,
     MOX_E_REFUSED, MOX_ACTION_GIVE_UP, NULL},
    {"both families are refused: the next host takes it",
     THREE_ADDRESSES "mailbox 2001:db8::1 mail=" NO_PTR "\nmailbox 192.0.2.1 rcpt=" NO_PTR "\n",
     "b@example.org", 0, "accepted@192.0.2.2", NULL, 1, MOX_OK, 0, NULL},
    {"both families of one host and the only one of the other",
     THREE_ADDRESSES "mailbox 2001:db8::1 mail=" NO_PTR "\nmailbox 192.0.2.1 mail=" NO_PTR
                     "\nmailbox 192.0.2.2 mail=" NO_PTR "\n",
     "b@example.org", 0, "permanent@192.0.2.2", NULL, 0, MOX_E_REFUSED, MOX_ACTION_GIVE_UP, NULL},
    {"an unheard family, then the next host takes it",
     THREE_ADDRESSES "192.0.2.1 refused\nmailbox 2001:db8::1 mail=" NO_PTR "\n", "b@example.org", 0,
     "accepted@192.0.2.2", NULL, 1, MOX_OK, 0, NULL},
    {"the other host is out of reach: not for good",
     TWO_HOSTS "192.0.2.2 refused\nmailbox 192.0.2.1 mail=" NO_PTR "\n", "b@example.org", 3,
     "temporary@192.0.2.1", NULL, 0, MOX_E_REFUSED, MOX_ACTION_LATER, "reverse hostname"},
    {"the first host was out of reach: not for good",
     TWO_HOSTS "192.0.2.1 refused\nmailbox 192.0.2.2 mail=" NO_PTR "\n", "b@example.org", 3,
     "temporary@192.0.2.2", NULL, 0, MOX_E_REFUSED, MOX_ACTION_LATER, NULL},
    {"the other host has no address that is known: not for good",
     TWO_HOSTS "m2.example.org A +servfail\nmailbox 192.0.2.1 mail=" NO_PTR "\n", "b@example.org",
     3, "temporary@192.0.2.1", "192.0.2.1@0", 0, MOX_E_REFUSED, MOX_ACTION_LATER, NULL},
    {"an unheard family, and the next host refuses us: not for good",
     THREE_ADDRESSES "192.0.2.1 refused\nmailbox 2001:db8::1 mail=" NO_PTR
                     "\nmailbox 192.0.2.2 mail=" NO_PTR "\n",
     "b@example.org", 0, "temporary@192.0.2.2", NULL, 0, MOX_E_REFUSED, MOX_ACTION_LATER, NULL},
    {"refused, and then at the greeting: for good",
     TWO_HOSTS "192.0.2.2 up reject\nmailbox 192.0.2.1 mail=" NO_PTR "\n", "b@example.org", 0,
     "temporary@192.0.2.1", NULL, 0, MOX_E_REFUSED, MOX_ACTION_GIVE_UP, NULL},
    {"5.7.1 for the second recipient is about that one",
     TWO_FAMILIES "mailbox 2001:db8::1 rcpt=250_ok|550_5.7.1_not_you\n",
     "b@example.org c@example.org", 0, "accepted@2001:db8::1 permanent@2001:db8::1",
     "2001:db8::1@0", 1, MOX_E_REFUSED, MOX_ACTION_GIVE_UP, NULL},
    {"a 4xx: the next host", TWO_HOSTS "mailbox 192.0.2.1 rcpt=450_4.2.1_busy\n", "b@example.org",
     0, "accepted@192.0.2.2", NULL, 1, MOX_OK, 0, NULL},
    {"greylisted: later, from here",
     TWO_HOSTS "mailbox 192.0.2.1 rcpt=450_4.7.1_greylisted_for_300_seconds\n", "b@example.org", 0,
     "temporary@192.0.2.1", "192.0.2.1@0", 0, MOX_E_REFUSED, MOX_ACTION_LATER_SAME, NULL},
    {"some are for the next host", TWO_HOSTS "mailbox 192.0.2.1 rcpt=250_ok|450_4.2.1_busy\n",
     "b@example.org c@example.org", 0, "accepted@192.0.2.1 accepted@192.0.2.2", NULL, 2, MOX_OK, 0,
     NULL},
    {"452: another transaction",
     TWO_HOSTS "mailbox 192.0.2.1 rcpt=250_ok|452_4.5.3_too_many|250_ok\n",
     "b@example.org c@example.org", 0, "accepted@192.0.2.1 accepted@192.0.2.1", "192.0.2.1@0", 2,
     MOX_OK, 0, NULL},
    {"RCPTMAX=5", TWO_HOSTS,
     "a@example.org b@example.org c@example.org d@example.org e@example.org f@example.org", 0,
     "accepted@192.0.2.1 accepted@192.0.2.1 accepted@192.0.2.1 accepted@192.0.2.1 "
     "accepted@192.0.2.1 accepted@192.0.2.1",
     "192.0.2.1@0", 2, MOX_OK, 0, NULL},
    {"the message is refused", TWO_HOSTS "mailbox 192.0.2.1 final=554_5.7.1_spam\n",
     "b@example.org", 0, "permanent@192.0.2.1", "192.0.2.1@0", 0, MOX_E_REFUSED, MOX_ACTION_GIVE_UP,
     "spam"},
    {"421 at RCPT: the next host", TWO_HOSTS "mailbox 192.0.2.1 rcpt=421_4.3.2_bye\n",
     "b@example.org", 0, "accepted@192.0.2.2", NULL, 1, MOX_OK, 0, NULL},
    {"no reply to the dot: unknown, never the next host",
     TWO_HOSTS "mailbox 192.0.2.1 final=~close\n", "b@example.org", 0, "unknown@192.0.2.1",
     "192.0.2.1@0", 0, MOX_E_CLOSED, MOX_ACTION_LATER, NULL},
    {"silence at the dot: the same", TWO_HOSTS "mailbox 192.0.2.1 final=|\n", "b@example.org", 0,
     "unknown@192.0.2.1", "192.0.2.1@0", 0, MOX_E_TIMEOUT, MOX_ACTION_LATER, NULL},
    {"closed before the dot: the next host", TWO_HOSTS "mailbox 192.0.2.1 data=~close\n",
     "b@example.org", 0, "accepted@192.0.2.2", NULL, 1, MOX_OK, 0, NULL},
    {"silence at MAIL: the next host", TWO_HOSTS "mailbox 192.0.2.1 mail=|\n", "b@example.org", 0,
     "accepted@192.0.2.2", NULL, 1, MOX_OK, 0, NULL},
    {"refused in the middle of the message",
     TWO_HOSTS "mailbox 192.0.2.1 early=552_5.3.4_too_big\n", "b@example.org", 0,
     "permanent@192.0.2.1", "192.0.2.1@0", 0, MOX_E_REFUSED, MOX_ACTION_GIVE_UP, NULL},
};

struct sending {
    struct mox_rcpt rcpts[RCPTS];
    struct mox_rcpt_result results[RCPTS];
    struct mox_message message;
    char words[512];
};

static void make_message(struct sending *m, const char *rcpts)
{
    char *rest;

    memset(m, 0, sizeof *m);
    snprintf(m->words, sizeof m->words, "%s", rcpts);
    for (char *word = strtok_r(m->words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        m->rcpts[m->message.nrcpts++].address = word;
    m->message.size = sizeof m->message;
    m->message.mail_from = "a@example.com";
    m->message.rcpts = m->rcpts;
    m->message.body.data = text;
    m->message.body.len = sizeof text - 1;
}

/* As a host does it. */
static int send_all(struct sending *m, const struct mox_dial_request *request,
                    struct mox_error *err)
{
    struct mox_conn *conn = NULL;
    int status = mox_dial(sim->ctx, request, &conn, err);

    if (status != MOX_OK)
        return status;
    while ((status = mox_deliver(conn, &m->message, m->results, err)) != MOX_OK &&
           err->action == MOX_ACTION_NEXT) {
        status = mox_dial_next(&conn, NULL, err);
        if (status != MOX_OK)
            break;
    }
    mox_conn_close(conn);
    return status;
}

static const char *shown(const struct sending *m)
{
    static char all[1024];
    size_t len = 0;

    for (size_t i = 0; i < m->message.nrcpts; i++) {
        char ip[64];

        mox_ip_format(&m->results[i].remote, ip, sizeof ip);
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s@%s", i == 0 ? "" : " ",
                                mox_rcpt_state_name(m->results[i].state), ip);
    }
    return all;
}

static unsigned taken(void)
{
    unsigned n = 0;

    for (const struct mailbox_taken *t = sim->taken; t != NULL; t = t->next) {
        n++;
        ck_assert_uint_eq(t->len, sizeof text - 1);
        ck_assert_mem_eq(t->body, text, t->len);
        ck_assert(mailbox_was_told(t));
    }
    return n;
}

START_TEST(deliver_case)
{
    const struct deliver_case *c = &cases[_i];
    struct dial_case request = {.name = c->name, .attempts = c->attempts};
    struct sending m;
    struct mox_error err = {0};
    int status;

    world_load(sim, c->world);
    make_message(&m, c->rcpts);
    status = send_all(&m, dial_request_of(&request), &err);
    ck_assert_msg(strcmp(shown(&m), c->results) == 0, "%s: %s: %s\n%s", c->name, shown(&m),
                  err.message, sim->log.ptr);
    ck_assert_msg(status == c->status, "%s: %s: %s", c->name, mox_status_name(status), err.message);
    ck_assert_msg(taken() == c->taken, "%s: taken %u\n%s", c->name, taken(), sim->log.ptr);
    ck_assert_msg(c->dials == NULL || strcmp(dial_seen(), c->dials) == 0, "%s: dialed %s", c->name,
                  dial_seen());
    if (status == MOX_OK)
        return;
    ck_assert_msg(err.action == c->action, "%s: %s: %s", c->name, mox_action_name(err.action),
                  err.message);
    ck_assert_msg(c->says == NULL || strstr(err.message, c->says) != NULL, "%s: %s", c->name,
                  err.message);
    ck_assert_msg(err.host[0] != '\0' && err.address.family != 0, "%s: nowhere", c->name);
}
END_TEST

TCase *test_dial_deliver(void)
{
    TCase *tc = tcase_create("dial/deliver");

    tcase_add_checked_fixture(tc, dial_setup, dial_teardown);
    tcase_add_loop_test(tc, deliver_case, 0, sizeof cases / sizeof *cases);
    return tc;
}
