#!/bin/sh
# configure.sh DOMAIN HOST:PORT NAME: a relay for the containers beside it. On port 25 it takes from anybody, and only what
# bounces.sh says; on port 587, which is not to be published, it takes from its neighbours and delivers anywhere. It calls
# itself NAME (HELO): by itself it would take the name of the container in which its package was installed.
set -eu
postconf -e "myhostname = $3" maillog_file=/dev/stdout inet_interfaces=all mydestination= 'local_transport = error:no local mail' \
    'mynetworks = 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16' smtp_tls_security_level=may \
    'smtpd_relay_restrictions = reject_unauth_destination'
postconf -M 'submission/inet = submission inet n - n - - smtpd'
postconf -P 'submission/inet/smtpd_relay_restrictions=permit_mynetworks,reject'
postconf -F '*/*/chroot = n'
"$(dirname "$0")/bounces.sh" "$1" "$2"
