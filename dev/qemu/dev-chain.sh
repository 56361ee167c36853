#!/bin/sh
# dev-chain.sh DIR [MODULE_ID]: makes a development chain in the form of AWS's (P-384; root, region, zone, instance,
# three-hour leaf), for QEMU with virtio-nsm-sign-10.0.2.patch. Needs OpenSSL 3 and GNU date.
# Writes DIR/root.pem, DIR/root.der (the root that verifiers trust), and DIR/nsm.pem (key and certificates from leaf to
# root, for the option signing-pem). A second run keeps the root and makes everything below it again.
# START is the first second of the validity below the root, as Unix time. The default is a minute ago.
set -eu
umask 077
dir=$1 id=${2:-i-0123456789abcdef0-enc0123456789abcdef}
mkdir -p "$dir/ca" && cd "$dir/ca"
printf '%s\n' '[ca]' 'default_ca=d' '[d]' 'database=index' 'new_certs_dir=.' 'default_md=sha384' 'policy=p' \
  'unique_subject=no' 'rand_serial=yes' '[p]' 'commonName=supplied' 'organizationName=supplied' '[req]' \
  'distinguished_name=n' '[n]' > ca.cnf
: > index

# issue NAME COMMON_NAME SECONDS ISSUER EXTENSION...: makes a key and a certificate that is valid for SECONDS from $now
issue() {
  name=$1 cn=$2 end=$(date -u -d "@$((now + $3))" +%Y%m%d%H%M%SZ) issuer=$4; shift 4
  openssl ecparam -name secp384r1 -genkey -noout -out "$name.key"
  openssl req -new -config ca.cnf -key "$name.key" -subj "/O=Development, not AWS/CN=$cn" -out "$name.csr"
  printf '%s\n' "$@" > "$name.ext"
  by="-cert $issuer.pem"; [ "$issuer" != "$name" ] || by=-selfsign
  # shellcheck disable=SC2086 # $by is one or two words
  openssl ca -config ca.cnf -batch -notext -in "$name.csr" -keyfile "$issuer.key" $by -extfile "$name.ext" \
    -startdate "$(date -u -d "@$now" +%Y%m%d%H%M%SZ)" -enddate "$end" -out "$name.pem" 2> "$name.log" \
    || { cat "$name.log" >&2; exit 1; }
}
c=basicConstraints=critical,CA:TRUE s=subjectKeyIdentifier=hash a=authorityKeyIdentifier=keyid u=keyUsage=critical
now=1577836800 # the root is valid from 2020 for thirty years
[ -e root.pem ] || issue root dev.nitro-enclaves 946684800 root $c $s $u,digitalSignature,keyCertSign,cRLSign
now=${START:-$(($(date +%s) - 60))}
issue region region.dev.nitro-enclaves 1731600 root $c,pathlen:2 $a $s $u,digitalSignature,keyCertSign,cRLSign
issue zone zone.region.dev.nitro-enclaves 504000 region $c,pathlen:1 $a $s $u,digitalSignature,keyCertSign,cRLSign
issue instance "${id%%-enc*}.region.dev.nitro-enclaves" 86400 zone $c,pathlen:0 $u,keyCertSign $s $a
issue leaf "$id.region.dev" 10803 instance basicConstraints=critical,CA:FALSE keyUsage=digitalSignature,nonRepudiation \
  subjectKeyIdentifier=none authorityKeyIdentifier=none
cp root.pem ../root.pem
openssl x509 -in root.pem -outform DER -out ../root.der
cat leaf.key leaf.pem instance.pem zone.pem region.pem root.pem > ../nsm.new && mv ../nsm.new ../nsm.pem
