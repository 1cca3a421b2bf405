#!/bin/bash
# Boots a systemd in a copy of this machine's system that nobody else sees, installs the packages there, runs every unit as it is written, upgrades
# while people register, kills, removes and purges. Called by `cargo xtask package --try`, as root, in namespaces of its own:
#   unshare --mount --pid --net --fork --kill-child --mount-proc packaging/trial.sh FOLDER OLD NEW
# FOLDER has the packages; OLD and NEW are their versions. Its last line is "the packages hold".
set -euo pipefail
packages=$1 old=$2 new=$3
address=http://127.0.0.1:18080
scratch=$(mktemp -d)
mount -t tmpfs none "$scratch"
mkdir "$scratch"/{upper,work,root,packages}
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
root=$scratch/root
fail() {
    echo "trial: $*"
    [ -z "${init:-}" ] || inside journalctl --no-pager --quiet --unit='sceau-*' --lines=40 || true
    tail -5 "$scratch/boot.log"
    exit 1
}
pause() { read -rt "$1" <> <(:) || true; }
eventually() { # WORDS COMMAND...
    local words=$1 tries=0; shift
    until "$@" > /dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 600 ] || fail "$words"; pause 0.1; done
}

# A system without this machine's own services and policies: what boots is what is tried.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/init.d/* "$root"/etc/rc?.d/* "$root/usr/sbin/policy-rc.d" "$root/etc/machine-id"
: > "$root/etc/machine-id"
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' > "$root/etc/systemd/system/trial.target"
cp "$packages"/*.deb "$scratch/packages"
systemd-nspawn --quiet --directory="$root" --bind-ro="$scratch/packages:/packages" --boot --register=no --keep-unit --private-network \
    --resolv-conf=off --timezone=off --link-journal=no --console=pipe -- systemd.unit=trial.target < /dev/null > "$scratch/boot.log" 2>&1 &
nspawn=$!
booted() { local outer; outer=$(pgrep -P $nspawn | head -1) && init=$(pgrep -P "$outer" -f systemd | head -1) && [ -n "$init" ]; }
eventually "no systemd boots here: systemd-nspawn of systemd-container, as root" booted
inside() { nsenter --target "$init" --mount --uts --ipc --net --pid --root --wdns=/ -- "$@"; }
eventually "systemd does not come up" inside systemctl --quiet is-active trial.target

install() { inside sh -c "dpkg --force-depends --install /packages/*_$1_*.deb" > "$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; fail "dpkg did not install $1"; }; }
runs() { for role in "$@"; do inside systemctl --quiet is-active "sceau-$role" || fail "$role does not run"; done; }
ready() { eventually "$1 is not ready" inside sh -c "journalctl --quiet --output=cat --unit=sceau-$1 | grep -q '\"ready\":'"; }
process() { inside systemctl show --property=MainPID --value "sceau-$1"; }
as_platform() { inside setpriv --reuid=sceau-platform --regid=sceau-platform --init-groups -- "$@"; }
register() { # EMAIL -> 0 where the platform acknowledged
    inside curl --silent --fail --max-time 20 -o /dev/null -H 'content-type: application/json' -H "origin: $address" \
        --data "{\"email\":\"$1\",\"name\":\"Camille\",\"password\":\"quatre mots et un chat\"}" $address/v1/passwords/register
}

install "$old"
for user in element platform intake keymanager; do inside id "sceau-$user" > /dev/null || fail "no user sceau-$user"; done
inside sh -c 'systemd-analyze verify --man=no /lib/systemd/system/sceau-*.service' > "$scratch/verify" 2>&1 || { cat "$scratch/verify"; fail "systemd refuses a unit"; }
inside systemctl --quiet is-active sceau-element && fail "something started before it was told its names"
inside sh -c 'man --where sceau-doctor || ls /usr/share/man/man1/sceau-doctor.1.gz' > /dev/null || fail "no manual"
[ "$(inside stat -c %a:%U /etc/sceau/secrets/element.passphrase)" = 600:root ] || fail "the passphrase can be read"
passphrase=$(inside sha256sum /etc/sceau/secrets/element.passphrase)
inside sed -i "s|^SCEAU_LISTEN=.*|SCEAU_LISTEN=127.0.0.1:18080|; s|^SCEAU_ORIGIN=.*|SCEAU_ORIGIN=$address|" /etc/sceau/platform.env
inside systemctl enable --quiet --now sceau-element
ready element
inside systemctl enable --quiet --now sceau-platform
ready platform
log_key=$(inside journalctl --quiet --output=cat --unit=sceau-platform | sed -n 's/.*"log_key":"\([^"]*\)".*/\1/p' | head -1)
inside sed -i "s|^SCEAU_ORIGIN=.*|SCEAU_ORIGIN=$address|; s|^SCEAU_LOG_KEY=.*|SCEAU_LOG_KEY=$log_key|" /etc/sceau/intake.env
inside systemctl enable --quiet --now sceau-intake
ready intake
inside systemd-run --quiet --wait --pipe --property=User=sceau-keymanager --property=StateDirectory=sceau-keymanager --property=StateDirectoryMode=0700 \
    --property=LoadCredential=passphrase:/etc/sceau/secrets/keymanager.passphrase /bin/sh -c \
    'exec sceau keymanager init --data /var/lib/sceau-keymanager --passphrase-file $CREDENTIALS_DIRECTORY/passphrase --organisation-name Essai --address https://cles.localhost:8443' \
    > "$scratch/init" 2>&1 || { cat "$scratch/init"; fail "the key manager cannot be made"; }
inside systemctl enable --quiet --now sceau-keymanager
ready keymanager
runs element platform intake keymanager
# Where this machine itself may lock no memory, no unit can be given it.
forbidden='could not be confined'; prlimit --memlock=unlimited true 2> /dev/null && forbidden='could not be (locked|confined)'
inside journalctl --quiet --output=cat --unit='sceau-*' | grep -E "$forbidden" && fail "a unit forbids what its role protects itself with"
for role in element platform intake keymanager; do
    status=$(inside cat "/proc/$(process $role)/status")
    grep -q '^NoNewPrivs:.1$' <<< "$status" && grep -q '^Seccomp:.2$' <<< "$status" || fail "$role is not confined"
    grep -q '^CapEff:.0000000000000000$' <<< "$status" || fail "$role has capabilities"
    [ "$(awk '/^Uid:/ { print $2 }' <<< "$status")" = "$(inside id -u "sceau-$role")" ] || fail "$role runs as somebody else"
done
as_platform /usr/bin/sceau doctor --config /etc/sceau/platform.toml --data /nowhere --element /run/sceau-element/element.sock --platform $address > "$scratch/doctor" || { cat "$scratch/doctor"; fail "the doctor finds trouble"; }
inside setpriv --reuid=64203 --regid=64203 --clear-groups ls /run/sceau-element > /dev/null 2>&1 && fail "a stranger enters the element's folder"
for state in element platform intake keymanager; do
    as_platform test -r "/etc/sceau/secrets/$state.passphrase" && fail "the platform reads a passphrase"
    [ $state = platform ] || ! as_platform ls "/var/lib/sceau-$state" > /dev/null 2>&1 || fail "the platform reads the state of $state"
done

# People register, one after the other, until told to stop: what was acknowledged is noted.
: > "$scratch/acknowledged"
( n=0; while [ ! -e "$scratch/enough" ]; do n=$((n + 1)); register "p$n@example.org" && echo "p$n@example.org" >> "$scratch/acknowledged"; pause 0.05; done ) &
load=$!
more_than() { [ "$(wc -l < "$scratch/acknowledged")" -gt "$1" ]; }
eventually "nobody can register" more_than 2
declare -A was
for role in element platform intake keymanager; do was[$role]=$(process $role); done
install "$new"
upgraded=$(wc -l < "$scratch/acknowledged")
for role in element platform intake keymanager; do [ "$(process $role)" != "${was[$role]}" ] || fail "the upgrade did not start $role again"; done
eventually "nobody can register after the upgrade" more_than "$upgraded"
runs element platform intake keymanager
# Killed, each is started again by systemd.
for role in element platform; do
    was[$role]=$(process $role); inside kill -KILL "${was[$role]}"
    again() { local now; now=$(process $role); [ "$now" != 0 ] && [ "$now" != "${was[$role]}" ]; }
    eventually "systemd does not start $role again" again
done
eventually "nobody can register after the kills" more_than "$(wc -l < "$scratch/acknowledged")"
touch "$scratch/enough"; wait $load || true
[ "$(inside dpkg-query -Wf '${Version}' sceau-platform)" = "$new" ] || fail "not upgraded"
[ "$passphrase" = "$(inside sha256sum /etc/sceau/secrets/element.passphrase)" ] || fail "the passphrase changed"
inside grep -q 18080 /etc/sceau/platform.env || fail "settings were lost"
inside systemctl stop sceau-platform
lost=0
while read -r email; do
    python3 - "$root/var/lib/sceau-platform/records.db" "$email" <<'PY' || { echo "lost: $email"; lost=1; }
import sqlite3, sys
rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute("SELECT count(*) FROM account WHERE email = ?", (sys.argv[2],))
sys.exit(0 if rows.fetchone()[0] == 1 else 1)
PY
done < "$scratch/acknowledged"
[ $lost = 0 ] || fail "what was acknowledged is lost"

inside dpkg --remove sceau-platform sceau-keymanager sceau > "$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; fail "dpkg did not remove"; }
for role in element intake keymanager; do inside systemctl --quiet is-active "sceau-$role" && fail "$role runs on without its package"; done
for kept in /var/lib/sceau-platform/records.db /var/lib/sceau-element/journal /var/lib/sceau-keymanager/keymanager.db /etc/sceau/secrets/element.passphrase; do
    inside test -e $kept || fail "removing lost $kept"
done
inside dpkg --purge sceau-platform sceau-keymanager sceau > "$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; fail "dpkg did not purge"; }
for gone in /var/lib/sceau-platform /var/lib/sceau-element /var/lib/sceau-keymanager /var/lib/sceau-intake /etc/sceau; do
    inside test ! -e $gone || fail "purging left $gone"
done
echo "$(wc -l < "$scratch/acknowledged") people registered, $upgraded of them before the upgrade, none lost"
echo "the packages hold"
