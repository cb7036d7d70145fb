#!/bin/sh
# Runs what the lab sends over the virtio-serial port $1: one line "ID BASE64-SCRIPT", answered by "ID STATUS BASE64-OUTPUT".
port=$1
work=$(mktemp -d /run/lab-agent.XXXXXX)
while :; do
    # shellcheck disable=SC2094
    while read -r id script; do
        printf %s "$script" | base64 -d >"$work/script"
        sh "$work/script" >"$work/output" 2>&1 </dev/null 3>&-
        status=$?
        { printf '%s %s ' "$id" "$status"; base64 "$work/output" | tr -d '\n'; echo; } >&3
    done <&3
    sleep 1
done 3<>"$port"
