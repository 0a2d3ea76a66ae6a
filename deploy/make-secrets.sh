#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, in deploy/secrets or the folder given. What is there already is kept.
# SITE_NAME: the name in the self-signed certificate, latchkey.localhost unless set.
#
# The folder is its owner's alone. The files inside can be read by anyone who gets so far: each container has its own user, and a
# mounted file keeps the mode that it has here.
set -eu

folder=${1:-$(dirname "$0")/secrets}
site=${SITE_NAME:-latchkey.localhost}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

# keep NAME COMMAND...: the command's output becomes the file, as a whole or not at all.
keep() {
  name=$1
  shift
  if [ -e "$name" ]; then
    echo "kept  $name"
    return
  fi
  "$@" > "$name.new"
  chmod 444 "$name.new"
  mv "$name.new" "$name"
  echo "made  $name"
}

store_url() {
  password=$(openssl rand -hex 24)
  echo "mongodb://latchkey:$password@mongo:27017/latchkey?replicaSet=latchkey"
}

certificate() {
  openssl req -x509 -key tls_key -sha256 -days 397 -subj "/CN=$site" -addext "subjectAltName=DNS:$site"
}

keep latchkey_secret openssl rand -base64 48
keep store_url store_url
keep mongo_root_password openssl rand -hex 24
keep mongo_keyfile openssl rand -base64 756
keep tls_key openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
keep tls_certificate certificate
