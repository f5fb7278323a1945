#!/bin/sh
# One week: collect, update, upkeep. Prints nothing unless something fails, so that cron writes a mail
# only then. The places can be set from outside; docs/operations.md says what each of them needs.
set -u
opentrace=${OPENTRACE:-/srv/opentrace/project/.venv/bin/opentrace}
landing=${OPENTRACE_LANDING:-/srv/opentrace/landing}
warehouse=${OPENTRACE_WAREHOUSE:-/srv/opentrace/warehouse}
metrics=${OPENTRACE_METRICS:-/var/lib/node_exporter/textfile/opentrace.prom}
logs=${OPENTRACE_LOGS:-/srv/opentrace/logs}

log=$logs/$(date -u +%Y-%m-%d).jsonl
mkdir -p "$logs"

# A step that fails ends the week: its last words go to the mail, the rest is in the log.
week() {
    "$opentrace" collect --source hub --out "$landing" --quiet --log-format json &&
    "$opentrace" update --landing "$landing" --warehouse "$warehouse" --quiet --log-format json --metrics "$metrics" &&
    "$opentrace" upkeep --warehouse "$warehouse" --quiet --log-format json
}
week 2>>"$log"
status=$?
if [ "$status" -ne 0 ]; then
    echo "opentrace: status $status; the end of $log:"
    tail -n 3 "$log"
fi
exit "$status"
