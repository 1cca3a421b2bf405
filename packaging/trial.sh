#!/bin/bash
# Boots a systemd in a copy of this machine's system that nobody else sees, installs the packages there, runs every unit as it is written, upgrades
# while people register, kills, has platform and MOB's host share servers, removes and purges; before that, takes the steps of the container file in
# another copy. Called by `cargo xtask package --try`, as root, in namespaces of its own:
#   unshare --mount --pid --net --fork --kill-child --mount-proc packaging/trial.sh FOLDER OLD NEW
# FOLDER has the packages, and the judges' environment beside it; OLD and NEW are their versions. Its last line is "the packages hold".
set -euo pipefail
packages=$1 old=$2 new=$3
here=$(dirname "$(readlink -f "$0")")
address=http://127.0.0.1:18080
roles='element platform intake keymanager connector'
scratch=$(mktemp -d)
mount -t tmpfs none "$scratch"
mkdir "$scratch"/{upper,work,root,packages,upper2,work2,container}
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

# The container file, step by step, on this machine's Debian in the place of its base image.
step() { sed -n "s/^$1 //p" "$here/Containerfile"; }
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper2,workdir=$scratch/work2" "$scratch/container"
mkdir -p "$scratch/built" && cp "$packages"/*_"$old"_*.deb "$scratch/built"
read -r from to <<< "$(step COPY)"
( cd "$scratch/built" && cp $from "$scratch/container$to" ) || fail "the container file copies what is not there"
[ "$(ls "$scratch/container$to" | grep -c '\.deb$')" = 1 ] || fail "the container file copies more than the programs"
mount --bind /dev "$scratch/container/dev"
chroot "$scratch/container" /bin/sh -c "$(step RUN)" > "$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; fail "the container file's commands fail"; }
contained() { chroot --userspec="$(step USER)" "$scratch/container" "$@"; }
mapfile -t words < <(step ENTRYPOINT | python3 -c 'import json, sys; print(*json.load(sys.stdin), sep="\n")'; step CMD | python3 -c 'import json, sys; print(*json.load(sys.stdin), sep="\n")')
contained "${words[@]}" | grep -q 'sceau' || fail "the container's program does not run"
contained /usr/bin/sceau-element --version > /dev/null || fail "the container has no element"
[ -z "$(ls "$scratch/container$to" | grep '\.deb$')" ] || fail "the container keeps the package"
umount "$scratch/container/dev" "$scratch/container"

# A system without this machine's own services and policies: what boots is what is tried.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/init.d/* "$root"/etc/rc?.d/* "$root/usr/sbin/policy-rc.d" "$root/etc/machine-id"
: > "$root/etc/machine-id"
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' > "$root/etc/systemd/system/trial.target"
cp "$packages"/*.deb "$scratch/packages"
systemd-nspawn --quiet --directory="$root" --bind-ro="$scratch/packages:/packages" --bind-ro="$packages/../venv-servers:/venv" \
    --bind-ro="$here/../tests/judges:/judges" --boot --register=no --keep-unit --private-network \
    --resolv-conf=off --timezone=off --link-journal=no --console=pipe -- systemd.unit=trial.target < /dev/null > "$scratch/boot.log" 2>&1 &
nspawn=$!
booted() { local outer; outer=$(pgrep -P $nspawn | head -1) && init=$(pgrep -P "$outer" -f systemd | head -1) && [ -n "$init" ]; }
eventually "no systemd boots here: systemd-nspawn of systemd-container, as root" booted
inside() { nsenter --target "$init" --mount --uts --ipc --net --pid --root --wdns=/ -- "$@"; }
# What nspawn starts first may be a helper of its own, which ends: the one to enter is looked for until it answers.
up() { booted && inside systemctl --quiet is-active trial.target; }
eventually "systemd does not come up" up

install() { inside sh -c "dpkg --force-depends --install /packages/*_$1_*.deb" > "$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; fail "dpkg did not install $1"; }; }
runs() { for role in "$@"; do inside systemctl --quiet is-active "sceau-$role" || fail "$role does not run"; done; }
ready() { eventually "$1 is not ready" inside sh -c "journalctl --quiet --output=cat --unit=sceau-$1 | grep -q '\"ready\":'"; }
process() { inside systemctl show --property=MainPID --value "sceau-$1"; }
as() { local user=$1; shift; inside setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"; }
as_platform() { as sceau-platform "$@"; }
# As the unit's user, with what the unit is handed over.
with_credentials() { local role=$1; shift; as "sceau-$role" env CREDENTIALS_DIRECTORY="/run/credentials/sceau-$role.service" "$@"; }
# A command that makes what a role needs before its first start, in its folder.
before() { # ROLE COMMAND, a word of sh
    inside systemd-run --quiet --wait --pipe --property="User=sceau-$1" --property="StateDirectory=sceau-$1" --property=StateDirectoryMode=0700 \
        --property=LoadCredential=passphrase:/etc/sceau/secrets/keymanager.passphrase /bin/sh -c "exec $2" > "$scratch/before" 2>&1 \
        || { cat "$scratch/before"; fail "$1 cannot be prepared"; }
}
confined() { # ROLE [CAPABILITIES]
    local status
    status=$(inside cat "/proc/$(process "$1")/status")
    grep -q '^NoNewPrivs:.1$' <<< "$status" && grep -q '^Seccomp:.2$' <<< "$status" || fail "$1 is not confined"
    grep -q "^CapEff:.${2:-0000000000000000}$" <<< "$status" || fail "$1 has capabilities"
    [ "$(awk '/^Uid:/ { print $2 }' <<< "$status")" = "$(inside id -u "sceau-$1")" ] || fail "$1 runs as somebody else"
}
killed() { # ROLES: each is started again by systemd
    for role in "$@"; do
        local was; was=$(process "$role"); inside kill -KILL "$was"
        again() { local now; now=$(process "$role"); [ "$now" != 0 ] && [ "$now" != "$was" ]; }
        eventually "systemd does not start $role again" again
    done
}
register() { # EMAIL -> 0 where the platform acknowledged
    inside curl --silent --fail --max-time 20 -o /dev/null -H 'content-type: application/json' -H "origin: $address" \
        --data "{\"email\":\"$1\",\"name\":\"Camille\",\"password\":\"quatre mots et un chat\"}" $address/v1/passwords/register
}

install "$old"
for user in $roles mob keyfront keyrings biometric provider gate; do inside id "sceau-$user" > /dev/null || fail "no user sceau-$user"; done
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
keys='--data /var/lib/sceau-keymanager --passphrase-file $CREDENTIALS_DIRECTORY/passphrase'
before keymanager "sceau keymanager init $keys --organisation-name Essai --address https://cles.localhost:8443"
before keymanager "sceau keymanager certificate $keys --name paie --role connector --out /var/lib/sceau-keymanager/connector.pem"
inside systemctl enable --quiet --now sceau-keymanager
ready keymanager

# A connector whose client the platform does not know: it runs as it is written, reads what it is handed over, and says why nothing comes.
secrets=$root/etc/sceau/secrets units=$root/etc/systemd/system
mv "$root/var/lib/sceau-keymanager/connector.pem" "$secrets/essai.pem"; chown 0:0 "$secrets/essai.pem"
command install -m 0644 "$root/var/lib/sceau-keymanager/authority.pem" "$root/etc/sceau/essai-authority.pem"
( umask 077; head -c 32 /dev/urandom | base64 > "$secrets/essai.secret" )
drop_in() { # ROLE NAME=FILE...
    local role=$1; shift
    mkdir -p "$units/sceau-$role.service.d"
    { echo '[Service]'; for one in "$@"; do echo "LoadCredential=${one%%=*}:/etc/sceau/secrets/${one#*=}"; done; } > "$units/sceau-$role.service.d/trial.conf"
    inside systemctl daemon-reload
}
drop_in connector essai.pem=essai.pem essai.secret=essai.secret
handed=/run/credentials/sceau-connector.service
cat > "$root/etc/sceau/connector.toml" <<TOML
[[organisation]]
name = "essai"
platform = "$address"
organisation = "6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c11"
client_id = "0d6f3c1a-3b52-4a1e-8b7a-7f0c2f6e9b10"
client_secret_file = "$handed/essai.secret"
log_key = "$log_key"
key_manager = "https://cles.localhost:8443"
key_manager_anchors = "/etc/sceau/essai-authority.pem"
certificate = "$handed/essai.pem"
state = "/var/lib/sceau-connector/state/essai"
[organisation.handover]
folder = "/var/lib/sceau-connector/handed-over/essai"
TOML
inside systemctl enable --quiet --now sceau-connector
ready connector
eventually "the connector does not say why nothing comes" inside sh -c "journalctl --quiet --output=cat --unit=sceau-connector | grep -q invalid_client"
with_credentials connector sceau doctor --data /nowhere --connector /etc/sceau/connector.toml > "$scratch/doctor" && fail "the doctor finds no trouble with a client that nobody knows"
grep -q 'essai: .*client id or secret' "$scratch/doctor" || { cat "$scratch/doctor"; fail "the doctor does not name the client"; }
runs $roles
# Where this machine itself may lock no memory, no unit can be given it.
forbidden='could not be confined'; prlimit --memlock=unlimited true 2> /dev/null && forbidden='could not be (locked|confined)'
inside journalctl --quiet --output=cat --unit='sceau-*' | grep -E "$forbidden" && fail "a unit forbids what its role protects itself with"
for role in $roles; do confined "$role"; done
as_platform /usr/bin/sceau doctor --config /etc/sceau/platform.toml --data /nowhere --element /run/sceau-element/element.sock --platform $address > "$scratch/doctor" || { cat "$scratch/doctor"; fail "the doctor finds trouble"; }
inside setpriv --reuid=64203 --regid=64203 --clear-groups ls /run/sceau-element > /dev/null 2>&1 && fail "a stranger enters the element's folder"
for state in $roles; do
    as_platform test -r "/etc/sceau/secrets/$state.passphrase" && fail "the platform reads a passphrase"
    [ $state = platform ] || ! as_platform ls "/var/lib/sceau-$state" > /dev/null 2>&1 || fail "the platform reads the state of $state"
done

# The gate before the platform: a port below 1024, a key that systemd hands over, what it keeps in folders of its own.
[ "$(inside stat -c %a:%U /etc/sceau/gate)" = 700:root ] && inside grep -q '^Signature: 8a477f597d28d172789f06886806bc55$' /etc/sceau/gate/CACHEDIR.TAG \
    || fail "the gate's keys have no folder that backups leave out"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$root/etc/sceau/gate/server.key" -out "$root/etc/sceau/server.pem" 2> /dev/null
chmod 0600 "$root/etc/sceau/gate/server.key"; chmod 0644 "$root/etc/sceau/server.pem"
cat > "$root/etc/sceau/gate.toml" <<TOML
[[listener]]
address = "127.0.0.1:443"
certificate = "server.pem"
key = "/run/credentials/sceau-gate.service/server.key"
[[listener.route]]
upstream = "$address"
[observe]
address = "unix:/run/sceau-gate/observe.sock"
access_log = "/var/log/sceau-gate/access.jsonl"
TOML
inside systemctl enable --quiet --now sceau-gate
ready gate
# CAP_NET_BIND_SERVICE, and nothing else.
confined gate 0000000000000400
through_gate() { inside curl --silent --fail --max-time 20 -o /dev/null --cacert /etc/sceau/server.pem https://localhost/check; }
through_gate || fail "the gate does not forward to the platform"
log=/var/log/sceau-gate/access.jsonl
eventually "the gate does not log" inside grep -q '"path":"/check"' $log
inside curl --silent --fail --unix-socket /run/sceau-gate/observe.sock http://gate/metrics | grep -q '^sceau_gate_service_up.* 1$' || fail "the gate does not say that the platform is there"
as_platform cat $log > /dev/null 2>&1 && fail "the platform reads the gate's log"
as sceau-gate test -r /etc/sceau/gate/server.key && fail "the gate's user reads the key's file"
inside mv $log $log.1
inside systemctl reload sceau-gate
logs_anew() { through_gate && inside test -s $log; }
eventually "the gate does not open its log again" logs_anew
[ "$(inside stat -c %a:%U /var/cache/sceau-gate)" = 700:sceau-gate ] || fail "the gate has no folder for lists"

# People register, one after the other, until told to stop: what was acknowledged is noted.
: > "$scratch/acknowledged"
( n=0; while [ ! -e "$scratch/enough" ]; do n=$((n + 1)); register "p$n@example.org" && echo "p$n@example.org" >> "$scratch/acknowledged"; pause 0.05; done ) &
load=$!
more_than() { [ "$(wc -l < "$scratch/acknowledged")" -gt "$1" ]; }
eventually "nobody can register" more_than 2
declare -A was
for role in $roles gate; do was[$role]=$(process $role); done
# Whoever calls the gate meanwhile gets its own answer, each time: 400 to a path that means two things.
: > "$scratch/answers"
call_gate() { inside curl --silent --max-time 20 -o /dev/null -w '%{http_code}\n' --path-as-is --cacert /etc/sceau/server.pem https://localhost/.. || true; }
( while [ ! -e "$scratch/succeeded" ]; do call_gate >> "$scratch/answers"; done ) &
calls=$!
install "$new"
succeeded() { [ "$(process gate)" != 0 ] && [ "$(process gate)" != "${was[gate]}" ] && ! inside test -e "/proc/${was[gate]}"; }
eventually "no new gate takes the place of the old one" succeeded
touch "$scratch/succeeded"; wait $calls
grep -qv '^400$' "$scratch/answers" && fail "the gate turned somebody away while it was upgraded: $(sort "$scratch/answers" | uniq -c)"
[ "$(wc -l < "$scratch/answers")" -gt 3 ] || fail "nobody called the gate while it was upgraded"
inside journalctl --quiet --output=cat --unit=sceau-gate | grep -q 'another gate takes the place of this one' || fail "the gate was restarted, not succeeded"
upgraded=$(wc -l < "$scratch/acknowledged")
for role in $roles; do [ "$(process $role)" != "${was[$role]}" ] || fail "the upgrade did not start $role again"; done
eventually "nobody can register after the upgrade" more_than "$upgraded"
runs $roles gate
killed element platform connector gate
eventually "the gate does not forward after the kills" through_gate
eventually "nobody can register after the kills" more_than "$(wc -l < "$scratch/acknowledged")"
touch "$scratch/enough"; wait $load || true
[ "$(inside dpkg-query -Wf '${Version}' sceau-platform)" = "$new" ] || fail "not upgraded"
[ "$passphrase" = "$(inside sha256sum /etc/sceau/secrets/element.passphrase)" ] || fail "the passphrase changed"
inside grep -q 18080 /etc/sceau/platform.env || fail "settings were lost"

# The platform without an address of its own (docs/deploy/gate.md): the gate opens its socket, and nobody else may.
socket=/run/sceau-platform/platform.sock
mkdir -p "$units/sceau-platform.service.d" "$units/sceau-gate.service.d"
printf '[Service]\nRuntimeDirectory=sceau-platform\nRuntimeDirectoryMode=0750\n' > "$units/sceau-platform.service.d/socket.conf"
printf '[Service]\nSupplementaryGroups=sceau-platform\n' > "$units/sceau-gate.service.d/socket.conf"
sed -i.before "s|^SCEAU_LISTEN=.*|SCEAU_LISTEN=unix:$socket|" "$root/etc/sceau/platform.env"
sed -i "s|^upstream = .*|upstream = \"unix:$socket\"|" "$root/etc/sceau/gate.toml"
inside systemctl daemon-reload
inside systemctl restart sceau-platform sceau-gate
eventually "the gate does not forward to the platform's socket" through_gate
as sceau-connector test -w $socket && fail "others than the gate open the platform's socket"
# As the unit is run: its group besides.
inside setpriv --reuid=sceau-gate --regid=sceau-gate --groups=sceau-platform -- test -w $socket || fail "the trial does not see who opens a socket"
mv "$root/etc/sceau/platform.env.before" "$root/etc/sceau/platform.env"
rm "$units/sceau-platform.service.d/socket.conf" "$units/sceau-gate.service.d/socket.conf"
inside systemctl daemon-reload
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

# The same units on servers: PostgreSQL by its socket and an S3 store, with passwords that systemd hands over; beside the platform, MOB's host under
# a user of its own. The element begins anew, since these are other records.
inside systemctl disable --quiet --now sceau-connector sceau-intake
inside systemctl stop sceau-element
find "$root/var/lib/sceau-element" -mindepth 1 -delete
( umask 077; head -c 32 /dev/urandom | base64 > "$secrets/database.password"; echo secret-of-the-store > "$secrets/store.secret" )
postgresql=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
inside install -d -o postgres -g postgres /srv/trial /run/trial
command install -m 0600 "$secrets/database.password" "$root/srv/trial/password"; inside chown postgres /srv/trial/password
{ as postgres "$postgresql/initdb" --pgdata /srv/trial/data --username sceau --auth=scram-sha-256 --pwfile /srv/trial/password --no-sync \
    && as postgres "$postgresql/pg_ctl" --pgdata /srv/trial/data --wait --log /srv/trial/log -o '-c listen_addresses= -c unix_socket_directories=/run/trial' start \
    && as postgres env PGPASSWORD="$(cat "$secrets/database.password")" "$postgresql/createdb" --host /run/trial --username sceau --maintenance-db template1 sceau
} > "$scratch/postgresql" 2>&1 || { cat "$scratch/postgresql"; fail "PostgreSQL does not start"; }
mkfifo "$scratch/orders"; exec 7<> "$scratch/orders"
inside /venv/bin/python -B /judges/servers_s3.py sceau < "$scratch/orders" > "$scratch/store" 2>&1 &
eventually "no S3 store: cargo xtask test --only tools" grep -q ready "$scratch/store"
before mob "sceau mob key --key /var/lib/sceau-mob/mob.key"
mob_key=$(sed -n 's/.*"key":"\([^"]*\)".*/\1/p' "$scratch/before")
cat > "$root/etc/sceau/platform.toml" <<TOML
[database]
kind = "postgresql"
url = "postgresql:///sceau?host=/run/trial&user=sceau"
password_file = "credential:database"
[objects]
kind = "s3"
endpoint = "http://127.0.0.1:$(sed -n 's/.*"port": \([0-9]*\).*/\1/p' "$scratch/store")"
bucket = "sceau"
access_key_id = "sceau"
secret_access_key_file = "credential:store"
[protect]
[mob]
url = "http://127.0.0.1:8446"
key = "$mob_key"
danger_accepted = ["integrity", "plaintext", "preflight"]
[[mob.funders]]
organisation = "6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c11"
TOML
for role in platform mob keyfront; do drop_in $role database=database.password store=store.secret; done
inside systemctl start sceau-element
eventually "the element does not begin anew" inside test -S /run/sceau-element/element.sock
inside systemctl start sceau-platform
eventually "the platform does not run on servers" inside curl --silent --fail --max-time 20 -o /dev/null $address/check
inside systemctl enable --quiet --now sceau-mob
ready mob
runs element platform mob
confined mob
inside curl --silent --max-time 20 http://127.0.0.1:8446/check > "$scratch/check"
grep -q '"database":"pass"' "$scratch/check" && grep -q '"element":"pass"' "$scratch/check" || { cat "$scratch/check"; fail "MOB's host has no way to the element or the records"; }
with_credentials platform sceau doctor --config /etc/sceau/platform.toml --data /nowhere --element /run/sceau-element/element.sock --platform $address > "$scratch/doctor" || true
[ "$(grep '^✗' "$scratch/doctor" | grep -cv 'mob .*antivirus')" = 0 ] && grep -q '^✗ mob .*antivirus' "$scratch/doctor" \
    || { cat "$scratch/doctor"; fail "of MOB's host, the doctor finds something else than that no antivirus runs here"; }
killed mob
inside systemctl enable --quiet --now sceau-keyfront
ready keyfront
runs element platform keyfront
confined keyfront
inside curl --silent --max-time 20 http://127.0.0.1:8447/check > "$scratch/check"
grep -q '"status":"pass"' "$scratch/check" || { cat "$scratch/check"; fail "the keyfront has no way to the element or the records"; }
inside curl --silent --max-time 20 http://127.0.0.1:8447/v1/protect/keyfront | grep -q '"audience"' || fail "the keyfront says nothing of itself"
killed keyfront
# The process that compares faces comes to the element, which serves no keyrings here and asks it nothing; the model is made here (ONNX: a picture of 8 by 8 times one row of numbers).
python3 - "$root/etc/sceau/face.onnx" <<'PY'
import struct, sys
varint = lambda n: bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)
field = lambda tag, data: varint(tag << 3 | 2) + varint(len(data)) + data
number = lambda tag, value: varint(tag << 3) + varint(value)
shape = lambda *sides: b"".join(field(1, number(1, side)) for side in sides)
value = lambda name, *sides: field(1, name) + field(2, field(1, number(1, 1) + field(2, shape(*sides))))
flatten = field(1, b"picture") + field(2, b"flat") + field(4, b"Flatten")
times = field(1, b"flat") + field(1, b"weights") + field(2, b"embedding") + field(4, b"MatMul")
weights = b"".join(struct.pack("<f", (at * 37 % 101) / 50 - 1) for at in range(192 * 16))
tensor = number(1, 192) + number(1, 16) + number(2, 1) + field(8, b"weights") + field(9, weights)
graph = field(1, flatten) + field(1, times) + field(2, b"tiny") + field(5, tensor) + field(11, value(b"picture", 1, 3, 8, 8)) + field(12, value(b"embedding", 1, 16))
open(sys.argv[1], "wb").write(number(1, 8) + field(7, graph) + field(8, field(1, b"") + number(2, 13)))
PY
inside systemctl enable --quiet --now sceau-biometric
ready biometric
confined biometric
as_platform ls /var/lib/sceau-biometric > /dev/null 2>&1 && fail "the platform reads the state of biometric"
killed biometric
inside systemctl stop sceau-biometric
rm "$root/etc/sceau/face.onnx"
inside systemctl stop sceau-mob sceau-keyfront sceau-platform
# Without a server of records that both may use, it does not begin records of its own.
: > "$root/etc/sceau/nothing.toml"
sed '1,/^secret_access/d' "$root/etc/sceau/platform.toml" > "$root/etc/sceau/nothing.toml"
as sceau-mob sceau serve mob --config /etc/sceau/nothing.toml --data /var/lib/sceau-platform --element /run/sceau-element/element.sock --key /var/lib/sceau-mob/mob.key \
    --antivirus unix:/run/clamav/clamd.ctl > "$scratch/refused" 2>&1 && fail "MOB's host runs without the platform's records"
grep -q 'no way to /var/lib/sceau-platform/records.db' "$scratch/refused" || { cat "$scratch/refused"; fail "MOB's host does not say whose records it misses"; }
as postgres "$postgresql/pg_ctl" --pgdata /srv/trial/data --mode immediate stop > /dev/null
exec 7>&-
rm "$root/etc/sceau/nothing.toml" "$root/etc/sceau/server.pem" "$root/etc/sceau/essai-authority.pem" "$secrets"/{essai.pem,essai.secret,database.password,store.secret}

inside dpkg --remove sceau-mob sceau-keyfront sceau-biometric sceau-keyrings sceau-provider sceau-witness sceau-gate sceau-connector sceau-platform sceau-keymanager sceau > "$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; fail "dpkg did not remove"; }
for role in $roles mob keyfront keyrings biometric provider gate; do inside systemctl --quiet is-active "sceau-$role" && fail "$role runs on without its package"; done
for kept in /var/lib/sceau-platform/records.db /var/lib/sceau-element/journal /var/lib/sceau-keymanager/keymanager.db /etc/sceau/secrets/element.passphrase; do
    inside test -e $kept || fail "removing lost $kept"
done
inside dpkg --purge sceau-mob sceau-keyfront sceau-biometric sceau-keyrings sceau-provider sceau-witness sceau-gate sceau-connector sceau-platform sceau-keymanager sceau > "$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; fail "dpkg did not purge"; }
for gone in /var/lib/sceau-{platform,element,keymanager,intake,mob,keyfront,keyrings,biometric,provider,connector,gate,witness,witnessed} /var/{cache,log}/sceau-gate /etc/sceau; do
    inside test ! -e $gone || fail "purging left $gone"
done
echo "$(wc -l < "$scratch/acknowledged") people registered, $upgraded of them before the upgrade, none lost"
echo "the packages hold"
