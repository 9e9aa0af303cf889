#!/bin/sh
# Has the SSH server of this guest let in whom the cloud's login authority has signed for, and show certificates itself. Runs
# at every boot, before that server starts. With `vendor_data: {enabled: false}` in the user data it does not.
set -eu
[ -d /etc/ssh/sshd_config.d ] || exit 0
dir=/etc/ssh/monolith
mkdir -p $dir

# put FILE MODE: standard input, whole or not at all.
put() { cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"; }

# What this server has asked for since is newer than what it was made with.
if [ ! -s $dir/authorities ] || [ "$(cat $dir/root 2>/dev/null)" != '@ROOT@' ]; then
  put $dir/authorities 644 <<'END'
@AUTHORITIES@
END
fi
echo '@ROOT@' | put $dir/root 644
echo '@LOGIN@' | put $dir/login 644

# Who may become root needs a certificate that is good for root.
put /etc/ssh/sshd_config.d/10-monolith.conf 644 <<'END'
TrustedUserCAKeys /etc/ssh/monolith/authorities
AuthorizedPrincipalsFile /etc/ssh/monolith/login
Include /etc/ssh/monolith/*.conf
Match User root
  AuthorizedPrincipalsFile /etc/ssh/monolith/root
Match Group sudo,wheel,admin,docker,lxd,incus,disk
  AuthorizedPrincipalsFile /etc/ssh/monolith/root
Match all
END

# Who is not root is this one. No password is right.
id guest >/dev/null 2>&1 || useradd --create-home --shell /bin/sh --password '*' guest || true

put /usr/local/sbin/monolith-host-keys 755 <<'END'
#!/usr/bin/python3
"""Has this guest's host keys certified by the cloud and the SSH server show the certificates; asks anew who signs logins."""
import errno
import glob
import http.client
import os
import random
import subprocess
import sys

TYPES = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


def certify(keys):
    # Root alone has these ports, by which the service knows it.
    for port in random.sample(range(600, 1024), 20):
        service = http.client.HTTPConnection("169.254.169.254", timeout=15, source_address=("", port))
        try:
            service.request("POST", "/monolith/latest/host-keys", "\n".join(keys))
            answer = service.getresponse()
            text = answer.read().decode()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise
        if answer.status != 200:
            sys.exit(f"the metadata service answered {answer.status}: {text.strip()}")
        return text.splitlines()
    sys.exit("no port below 1024 is free")


def trust():
    service = http.client.HTTPConnection("169.254.169.254", timeout=15)
    service.request("GET", "/monolith/latest/login/authorities")
    answer = service.getresponse()
    text = answer.read().decode()
    if answer.status != 200 or not text.startswith(("ecdsa-", "ssh-")):
        return
    path = "/etc/ssh/monolith/authorities"
    with open(path + ".new", "w") as file:
        file.write(text.strip() + "\n")
    os.chmod(path + ".new", 0o644)
    os.replace(path + ".new", path)


def show():
    keys = {}
    for path in sorted(glob.glob("/etc/ssh/ssh_host_*_key.pub")):
        with open(path) as file:
            text = file.read().strip()
        if text.split(" ")[0] in TYPES:
            keys[path[:-len(".pub")]] = text
    if not keys:
        sys.exit("there are no host keys yet")
    certified = dict(zip(keys, certify(list(keys.values()))))
    for path, certificate in certified.items():
        with open(path + "-cert.pub", "w") as file:
            file.write(certificate + "\n")
    with open("/etc/ssh/monolith/certificates.conf", "w") as file:
        file.writelines(f"HostCertificate {path}-cert.pub\n" for path in certified)
    for name in ("ssh", "sshd"):
        if subprocess.run(["systemctl", "reload", name], stderr=subprocess.DEVNULL).returncode == 0:
            break


# Whoever has keys certified is told of the newest; without that, of what the hypervisor knows.
try:
    show()
finally:
    trust()
END

[ -d /run/systemd/system ] || exit 0
put /etc/systemd/system/monolith-host-keys.service 644 <<'END'
[Unit]
Description=Have the host keys certified by the cloud, and ask who signs logins
After=network.target ssh.service sshd.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/monolith-host-keys
Restart=on-failure
RestartSec=30
END
put /etc/systemd/system/monolith-host-keys.timer 644 <<'END'
[Unit]
Description=Have the host keys certified by the cloud, at every boot and each day

[Timer]
OnBootSec=1
OnUnitActiveSec=1d

[Install]
WantedBy=timers.target
END
systemctl daemon-reload
systemctl enable --quiet monolith-host-keys.timer
# This runs before what the timer waits for.
systemctl start --no-block monolith-host-keys.timer
