/*
 * esmtp.c - a session by libESMTP, which knows no session without a message: the server refuses
 * MAIL, so that there are two commands more (MAIL, RSET) than in a dial. It blocks: one at a time.
 *
 *   esmtp ADDRESS PORT COUNT CONCURRENCY
 */
#include <stdio.h>
#include <stdlib.h>

#include <libesmtp.h>

static int dial(const char *server)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    const smtp_status_t *status;
    int refused;

    smtp_set_server(session, server);
    smtp_set_hostname(session, "bench.example");
    smtp_set_reverse_path(message, "a@bench.example");
    smtp_add_recipient(message, "b@bench.example");
    smtp_set_message_str(message, "\r\n");
    smtp_start_session(session);
    status = smtp_reverse_path_status(message);
    refused = status != NULL && status->code == 550;
    smtp_destroy_session(session);
    return refused;
}

int main(int argc, char **argv)
{
    unsigned long count;
    char server[64];
    int good = 1;

    if (argc != 5)
        return 64;
    snprintf(server, sizeof server, "%s:%s", argv[1], argv[2]);
    count = strtoul(argv[3], NULL, 10);
    for (unsigned long i = 0; i < count && good; i++)
        good = dial(server);
    return !good;
}
