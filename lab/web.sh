#!/bin/sh
# User-data of the lab's servers: a page that says which server answers, at this boot and at every later one.
mkdir -p /srv
printf '#!/bin/sh\nhostname >/srv/index.html\nhttpd -p 80 -h /srv\n' >/etc/rc.local
chmod +x /etc/rc.local
/etc/rc.local
