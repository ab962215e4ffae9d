#!/bin/sh
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Reloads nginx when its configuration is right, and waits until its old workers have ended, or GRACE seconds. A reload returns before
# the old workers know of it, and they go on to take requests for the old list until they do.
grace=$1
${NGINX:-nginx} -t -q || exit 1
# Of this nginx alone, where its file tells which it is.
master=$(cat "${NGINX_PID:-/run/nginx.pid}" 2>/dev/null)
old=$(pgrep -d, ${master:+-P "$master"} -f '^nginx: worker process$')
${NGINX_RELOAD:-systemctl reload nginx} || exit 1
[ -n "$old" ] || exit 0

# wait_while PATTERN SECONDS
wait_while() {
    left=$(( $2 * 20 ))
    while [ "$left" -gt 0 ] && ps -o args= -p "$old" | grep -q "$1"; do
        left=$(( left - 1 ))
        sleep 0.05
    done
}

wait_while '^nginx: worker process$' 10
wait_while 'shutting down$' "$grace"
exit 0
