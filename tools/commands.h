/*
 * commands.h - the commands. Each prints what it found and returns the exit status; its _blank is
 * its JSON object before anything is known, for errors that keep it from starting.
 */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include <jansson.h>

#include "load.h"
#include "options.h"

int cmd_config_check(const struct options *options, const struct load *load);
int cmd_config_show(const struct options *options, const struct load *load);
int cmd_config_describe(const struct options *options, const struct load *load);
int cmd_route(const struct options *options, const struct load *load);
int cmd_plan(const struct options *options, const struct load *load);
int cmd_dial(const struct options *options, const struct load *load);
int cmd_send(const struct options *options, const struct load *load);
int cmd_preflight(const struct options *options, const struct load *load);
int cmd_spf(const struct options *options, const struct load *load);
int cmd_history_show(const struct options *options, const struct load *load);
int cmd_history_reset(const struct options *options, const struct load *load);
int cmd_policy(const struct options *options, const struct load *load);

json_t *cmd_config_check_blank(void);
json_t *cmd_config_text_blank(void);
json_t *cmd_route_blank(void);
json_t *cmd_plan_blank(void);
json_t *cmd_dial_blank(void);
json_t *cmd_send_blank(void);
json_t *cmd_preflight_blank(void);
json_t *cmd_spf_blank(void);
json_t *cmd_history_blank(void);
json_t *cmd_policy_blank(void);

#endif
