#!/bin/sh
# bounces.sh DOMAIN HOST:PORT: let Postfix hand the mail that comes back to DOMAIN to `.venv/bin/python server.py bounces` there.
# Only return paths and `complaints` are addresses; what else is written to DOMAIN is refused while its sender waits.
# DOMAIN is MAIL_DOMAIN, and no name under which this machine has mailboxes. Start Postfix anew afterwards (3.7 or newer).
set -eu
case " $(postconf -xh mydestination | tr ',\n' '  ') " in
    *" $1 "*) echo "$1 is among this machine's own mailboxes (mydestination): give MAIL_DOMAIN a name of its own" >&2; exit 2 ;;
esac
postconf -e "relay_domains = $1" "transport_maps = inline:{ $1=lmtp:inet:$2 }" \
    'relay_recipient_maps = regexp:{ {/^(b[+][0-9]+-[a-z2-7]+(-[0-9a-f]+)?-[a-z2-7]+|complaints)@/ ours} }' \
    'lmtp_destination_recipient_limit = 1'
