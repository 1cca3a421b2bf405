#!/bin/bash
# Installs the packages into a copy of this machine's system that nobody else sees, runs element and platform as their users and as their
# units say, upgrades while people register, removes and purges. Called by `cargo xtask package --try`, as root, in namespaces of its own:
#   unshare --mount --pid --fork --kill-child packaging/trial.sh FOLDER OLD NEW
# FOLDER has the packages; OLD and NEW are their versions. Its last line is "the packages hold".
set -euo pipefail
packages=$1 old=$2 new=$3
scratch=$(mktemp -d)
mount -t tmpfs none "$scratch"
mkdir "$scratch"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
root=$scratch/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
mkdir "$root/tmp/packages"
cp "$packages"/*.deb "$root/tmp/packages"
in_root() { chroot "$root" "$@"; }
fail() { echo "trial: $*"; exit 1; }
install() {
    in_root dpkg --force-depends --install $(cd "$root" && ls tmp/packages/*_"$1"_*.deb | sed 's|^|/|') > "$scratch/dpkg.log" 2>&1 ||
        { cat "$scratch/dpkg.log"; fail "dpkg did not install $1"; }
}

# As systemd would: user, groups, credentials, environment and command from the unit itself.
start() { # ROLE -> sets pid_ROLE and waits for the ready line
    local role=$1 unit=$root/lib/systemd/system/sceau-$1.service user=sceau-$1
    local state=$root/var/lib/sceau-$role credentials=/run/credentials/$role
    mkdir -p "$state" "$root$credentials"
    chown "$(in_root id -u $user):$(in_root id -g $user)" "$state"; chmod 0700 "$state"
    if grep -q ^RuntimeDirectory= "$unit"; then
        mkdir -p "$root/run/sceau-$role"
        chown "$(in_root id -u $user):$(in_root id -g $user)" "$root/run/sceau-$role"; chmod 0750 "$root/run/sceau-$role"
    fi
    while IFS=: read -r name file; do
        cp "$root$file" "$root$credentials/$name"
        chown "$(in_root id -u $user)" "$root$credentials/$name"; chmod 0400 "$root$credentials/$name"
    done < <(sed -n 's/^LoadCredential=//p' "$unit")
    local command groups environment
    command=$(sed -n 's/^ExecStart=//p' "$unit" | sed "s|%d|$credentials|g")
    groups=$(sed -n 's/^SupplementaryGroups=//p' "$unit")
    environment=$root$(sed -n 's/^EnvironmentFile=//p' "$unit")
    local groups_id=--clear-groups
    [ -z "$groups" ] || groups_id=--groups=$(in_root getent group "$groups" | cut -d: -f3)
    (
        set -a; . "$environment"; set +a
        export CREDENTIALS_DIRECTORY=$credentials
        exec chroot "$root" setpriv --reuid="$user" --regid="$user" "$groups_id" --no-new-privs --bounding-set=-all -- $(eval echo "$command")
    ) > "$scratch/$role.ready" 2> "$scratch/$role.log" &
    local pid=$!
    eval "pid_$role=$pid"
    local tries=0
    until grep -q ready "$scratch/$role.ready"; do
        kill -0 "$pid" 2>/dev/null || { cat "$scratch/$role.log"; fail "$role ended"; }
        tries=$((tries + 1)); [ $tries -lt 600 ] || fail "$role is not ready"
        read -rt 0.1 <> <(:) || true
    done
}
stop() { local pid; eval "pid=\$pid_$1"; kill -TERM "$pid"; wait "$pid" || true; }
register() { # EMAIL -> 0 where the platform acknowledged
    curl --silent --fail --max-time 20 -o /dev/null -H 'content-type: application/json' -H 'origin: http://127.0.0.1:18080' \
        --data "{\"email\":\"$1\",\"name\":\"Camille\",\"password\":\"quatre mots et un chat\"}" http://127.0.0.1:18080/v1/passwords/register
}
install "$old"
for user in sceau-element sceau-platform sceau-intake sceau-keymanager; do in_root id $user > /dev/null || fail "no user $user"; done
if [ -x /usr/bin/systemd-analyze ]; then
    in_root sh -c "systemd-analyze verify --man=no /lib/systemd/system/sceau-*.service" > "$scratch/verify" 2>&1 || { cat "$scratch/verify"; fail "systemd refuses a unit"; }
fi
[ "$(stat -c %a "$root/etc/sceau/secrets/element.passphrase")" = 600 ] || fail "the passphrase can be read"
passphrase=$(sha256sum < "$root/etc/sceau/secrets/element.passphrase")
sed -i 's|^SCEAU_LISTEN=.*|SCEAU_LISTEN=127.0.0.1:18080|; s|^SCEAU_ORIGIN=.*|SCEAU_ORIGIN=http://127.0.0.1:18080|' "$root/etc/sceau/platform.env"
ip link set lo up 2> /dev/null || true
start element
start platform
in_root setpriv --reuid=sceau-platform --regid=sceau-platform --groups=$(in_root getent group sceau-socket | cut -d: -f3) -- /usr/bin/sceau doctor --config /etc/sceau/platform.toml --data /nowhere --element /run/sceau-element/element.sock > "$scratch/doctor" || { cat "$scratch/doctor"; fail "the doctor finds trouble"; }
setpriv --reuid=64203 --regid=64203 --clear-groups ls "$root/run/sceau-element/" > /dev/null 2>&1 && fail "a stranger enters the element's folder"

# People register, one after the other, until told to stop: what was acknowledged is noted.
: > "$scratch/acknowledged"
( n=0; while [ ! -e "$scratch/enough" ]; do n=$((n + 1)); register "p$n@example.org" && echo "p$n@example.org" >> "$scratch/acknowledged"; read -rt 0.05 <> <(:) || true; done ) &
load=$!
until [ "$(wc -l < "$scratch/acknowledged")" -ge 2 ]; do read -rt 0.1 <> <(:) || true; done
install "$new"
before=$(wc -l < "$scratch/acknowledged")
stop platform; stop element; start element; start platform
touch "$scratch/enough"; wait $load || true
[ "$(in_root dpkg-query -Wf '${Version}' sceau-platform)" = "$new" ] || fail "not upgraded"
[ "$passphrase" = "$(sha256sum < "$root/etc/sceau/secrets/element.passphrase")" ] || fail "the passphrase changed"
grep -q 18080 "$root/etc/sceau/platform.env" || fail "settings were lost"
register after-the-upgrade@example.org && echo after-the-upgrade@example.org >> "$scratch/acknowledged" || true
lost=0
while read -r email; do
    python3 - "$root/var/lib/sceau-platform/records.db" "$email" <<'PY' || { echo "lost: $email"; lost=1; }
import sqlite3, sys
rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute("SELECT count(*) FROM account WHERE email = ?", (sys.argv[2],))
sys.exit(0 if rows.fetchone()[0] == 1 else 1)
PY
done < "$scratch/acknowledged"
[ $lost = 0 ] || fail "what was acknowledged is lost"

stop platform; stop element
in_root dpkg --remove sceau-platform sceau-keymanager sceau > /dev/null 2>&1
[ -e "$root/var/lib/sceau-platform/records.db" ] && [ -e "$root/var/lib/sceau-element/journal" ] && [ -e "$root/etc/sceau/secrets/element.passphrase" ] || fail "removing lost data"
in_root dpkg --purge sceau-platform sceau-keymanager sceau > /dev/null 2>&1
[ ! -e "$root/var/lib/sceau-platform" ] && [ ! -e "$root/var/lib/sceau-element" ] && [ ! -e "$root/etc/sceau" ] || fail "purging left data"
echo "$(wc -l < "$scratch/acknowledged") people registered, $before of them before the restart, none lost"
echo "the packages hold"
